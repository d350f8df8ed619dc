// safelight hash, run as a user runs it.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "cli/program.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;

TEST(HashCommand, ShowsEveryHash) {
  const TemporaryFolder folder;
  const std::string file = folder / "abc";
  write_file(file, "abc");
  const Result result = run({"hash", "--no-cache", file});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("  AutoV1      e3b0c442\n  AutoV2      ba7816bf8f\n  AutoV3      none"));
  EXPECT_THAT(result.out, HasSubstr("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"));
  EXPECT_EQ(run({"hash", folder / "none"}).exit_code, 3);
  EXPECT_EQ(run({"hash"}).exit_code, 2);
}

TEST(HashCommand, JsonLines) {
  const TemporaryFolder folder;
  const std::string file = folder / "model", text = folder / "text";
  write_file(file, std::string("\x02\0\0\0\0\0\0\0{}", 10));
  write_file(text, "abc");
  const Result result = run({"hash", "--json", "--no-cache", file, text});
  simdjson::dom::parser parser;
  const simdjson::padded_string lines(result.out);
  std::vector<std::string> v3;
  for (const simdjson::dom::element line : parser.parse_many(lines))
    v3.push_back(line["autov3"].is_null() ? "null" : std::string(std::string_view(line["autov3"])));
  EXPECT_THAT(result.out, HasSubstr("\"content\":\"xxh3-128:"));
  EXPECT_THAT(v3, ::testing::ElementsAre("e3b0c44298fc", "null"));
}

}  // namespace
}  // namespace safelight::test
