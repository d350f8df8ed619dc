// safelight header, run as a user runs it.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class HeaderCommand : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string file_ = folder_ / "model.safetensors";
};

TEST_F(HeaderCommand, TellsWhatLiesWhere) {
  save(file_,
       std::vector<NamedTensor>{{"a", Tensor::allocate(DType::F32, {2})}, {"b", Tensor::allocate(DType::U8, {})}},
       {{"k", "v"}, {"l", "w"}});
  const Result result = run({"header", file_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, file_ + R"(  161 bytes
[0, 8)  N, the length of the header: 144 bytes
[8, 152)  header: 138 bytes of JSON, 6 bytes of padding
[152, 161)  data: 9 bytes, aligned to 8
verdict: ok

{
  "__metadata__": {
    "k": "v",
    "l": "w"
  },
  "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
  "b": {"dtype": "U8", "shape": [], "data_offsets": [8, 9]}
}
)");
}

TEST_F(HeaderCommand, RawIsExactlyWhatIsThere) {
  save(file_, {}, {{"k", "\x1B\n"}});
  EXPECT_EQ(run({"header", "--raw", file_}).out, read_file(file_).substr(8));
}

TEST_F(HeaderCommand, BrokenFilesAreShownAsFarAsTheyGo) {
  write_file(file_, std::string("\xFF\0\0\0\0\0\0\0", 8) + "{\"a\x1B\": {\"dtype\": [1,");
  const Result cut = run({"header", file_});
  EXPECT_EQ(cut.exit_code, 0);
  EXPECT_THAT(cut.out, HasSubstr("235 bytes that N claims are not shown"));
  EXPECT_THAT(cut.out, HasSubstr("verdict: header-length: "));
  EXPECT_THAT(cut.out, HasSubstr("  \"a\\x1b\": {\"dtype\": [1, "));
  EXPECT_THAT(cut.out, Not(HasSubstr("\x1B")));
  write_file(file_, "abc");
  EXPECT_THAT(run({"header", file_}).out, HasSubstr("header-too-small"));
  write_file(file_, std::string("PK\x03\x04\x14\x08\x08\x08", 8) + "zip");
  EXPECT_THAT(run({"header", file_}).out, HasSubstr("safelight convert"));
  EXPECT_EQ(run({"header", folder_ / "none"}).exit_code, 3);
}

TEST_F(HeaderCommand, Json) {
  write_file(file_, std::string("\x04\0\0\0\0\0\0\0", 8) + "{} \0" + "x");
  const Result result = run({"header", "--json", file_});
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(result.out);
  EXPECT_EQ(std::uint64_t(root["header_bytes"]), 4u);
  EXPECT_EQ(std::uint64_t(root["data_begin"]), 12u);
  EXPECT_EQ(std::string_view(root["text"]).substr(0, 3), "{} ");
  EXPECT_NE(std::string_view(root["rule"]), "ok");
}

}  // namespace
}  // namespace safelight::test
