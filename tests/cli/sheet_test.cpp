// safelight sheet, run as a user runs it.
#include <gmock/gmock.h>

#include "cli/program.h"
#include "safelight/picture.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SheetCommand : public ::testing::Test {
 protected:
  std::string picture(const std::string& name, const PictureText& text = {}) {
    write_png(folder_ / name, Picture(32, 32), text);
    return folder_ / name;
  }

  TemporaryFolder folder_;
};

TEST_F(SheetCommand, CaptionsAreThePromptsElseTheNames) {
  const std::string a = picture("a.png", {{"parameters", "a house, \"red\"\nSteps: 1, Seed: 2, Size: 3x4"}});
  const std::string b = picture("b.png");
  const Result result = run({"sheet", "-o", folder_ / "sheet.png", "--json", "--columns", "2", a, b});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("{\"path\":\"" + a + "\",\"caption\":\"a house, \\\"red\\\"\"}"));
  EXPECT_THAT(result.out, HasSubstr("{\"path\":\"" + b + "\",\"caption\":\"b\"}"));
  const Picture sheet = read_png(folder_ / "sheet.png").picture;
  EXPECT_GT(sheet.width, 2 * 256);
  EXPECT_LT(sheet.height, 2 * 256);
}

TEST_F(SheetCommand, TakesAndMakesJpegAndWebp) {
  const std::string a = folder_ / "a.jpg", b = folder_ / "b.webp";
  for (const std::string& path : {a, b}) write_picture(path, Picture(32, 32), {{"parameters", "the sea"}});
  for (const std::string name : {"sheet.jpeg", "sheet.webp"}) {
    const Result result = run({"sheet", "-o", folder_ / name, "--json", a, b});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("\"caption\":\"the sea\"},{"));
    EXPECT_EQ(read_picture(folder_ / name).format, picture_format(name));
  }
}

TEST_F(SheetCommand, RefusesWhatItCannotReadOrWrite) {
  const std::string good = picture("a.png");
  write_file(folder_ / "text.png", "no picture");
  const auto refusal = [&](const std::vector<std::string>& arguments, int exit_code) {
    const Result result = run(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_THAT(result.err, StartsWith("safelight: "));
    EXPECT_EQ(folder_.files(), 2u);
    return result.err;
  };
  const std::string sheet = folder_ / "sheet.png";
  EXPECT_THAT(refusal({"sheet", "-o", sheet, good, folder_ / "none.png"}, 3), HasSubstr("none.png"));
  EXPECT_THAT(refusal({"sheet", "-o", sheet, folder_ / "text.png"}, 4),
              HasSubstr("expected a PNG, JPEG or WebP picture"));
  EXPECT_THAT(refusal({"sheet", "-o", folder_ / "sheet.gif", good}, 2), HasSubstr(".png"));
  EXPECT_THAT(refusal({"sheet", "-o", folder_ / "missing" / "s.png", good}, 3), HasSubstr("No such file"));
  EXPECT_THAT(refusal({"sheet", "-o", good, good}, 2), HasSubstr("one of the pictures"));
  refusal({"sheet", "-o", sheet}, 2);
  refusal({"sheet", good}, 2);
  refusal({"sheet", "-o", sheet, "--columns", "0", good}, 2);
}

}  // namespace
}  // namespace safelight::test
