// safelight ls, run as a user runs it.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LsCommand : public ::testing::Test {
 protected:
  void write(const std::vector<std::pair<std::string, Shape>>& tensors, const Metadata& metadata = {}) {
    std::vector<NamedTensor> named;
    for (const auto& [name, shape] : tensors) named.push_back({name, Tensor::allocate(DType::F16, shape)});
    save(file_, named, metadata);
  }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "model.safetensors";
};

// Single-child chains share a line, numbers sort as numbers, columns are aligned, groups have sums.
TEST_F(LsCommand, Tree) {
  write({{"net.blocks.10.w", {2, 3}},
         {"net.blocks.2.w", {4}},
         {"net.blocks.2.bias", {1}},
         {"net.out.weight", {500}},
         {"net.out", {}},
         {"scale", {}}});
  const Result result = run({"ls", file_});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\ntensors\n"
                                    "net                5 tensors  1.02 KB\n"
                                    "  blocks           3 tensors     22 B\n"
                                    "    2              2 tensors     10 B\n"
                                    "      bias    F16  [1]            2 B\n"
                                    "      w       F16  [4]            8 B\n"
                                    "    10.w      F16  [2, 3]        12 B\n"
                                    "  out         F16  []             2 B\n"
                                    "  out.weight  F16  [500]      1.00 KB\n"
                                    "scale         F16  []             2 B\n"));
  EXPECT_THAT(result.out, HasSubstr("\n6 tensors, 513 parameters, 1.03 KB: 1.03 KB F16\n"));
}

TEST_F(LsCommand, DepthShowsSums) {
  write({{"a.b.c", {1}}, {"a.b.d", {1}}, {"a.e", {1}}});
  const Result result = run({"ls", "--depth", "1", file_});
  EXPECT_THAT(result.out, HasSubstr("\ntensors\na    3 tensors  6 B\n"));
  EXPECT_EQ(run({"ls", "--depth", "0", file_}).exit_code, 2);
}

TEST_F(LsCommand, NamesAndMetadataCannotDisturbTheTerminal) {
  write({{"evil\x1B[2J\n\xE2\x80\xAEname", {1}}, {"", {1}}},
        {{"k\x07", "line\nbreak"}, {"long", std::string(5000, 'v')}});
  const Result result = run({"ls", file_});
  EXPECT_THAT(result.out, HasSubstr("evil\\x1b[2J\\n\\u{202e}name"));
  EXPECT_THAT(result.out, HasSubstr("\"\""));
  EXPECT_THAT(result.out, HasSubstr("k\\x07"));
  EXPECT_THAT(result.out, HasSubstr("line\\nbreak"));
  EXPECT_THAT(result.out, HasSubstr("vvv... (5000 bytes)"));
  EXPECT_THAT(result.out, Not(HasSubstr(std::string(101, 'v'))));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1B")));
}

TEST_F(LsCommand, Json) {
  const std::string name = "q\"\\\n\x01\xE2\x80\xAE";
  write({{name, {2, 3}}, {"b", {}}}, {{"k\"", "v\n"}});
  const Result result = run({"ls", "--json", file_});
  ASSERT_EQ(result.exit_code, 0);
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(result.out);
  EXPECT_EQ(std::string_view(root["file"]), file_);
  EXPECT_EQ(std::uint64_t(root["file_bytes"]), std::filesystem::file_size(file_));
  EXPECT_EQ(std::string_view(root["metadata"]["k\""]), "v\n");
  const simdjson::dom::array tensors = root["tensors"];
  EXPECT_EQ(std::string_view(tensors.at(1)["name"]), name);
  EXPECT_EQ(std::string_view(tensors.at(1)["dtype"]), "F16");
  EXPECT_EQ(std::uint64_t(tensors.at(1)["shape"].at(1)), 3u);
  EXPECT_EQ(std::uint64_t(tensors.at(1)["data_offsets"].at(1)), 14u);
  EXPECT_EQ(std::uint64_t(tensors.at(1)["bytes"]), 12u);
  EXPECT_EQ(std::uint64_t(root["totals"]["tensors"]), 2u);
  EXPECT_EQ(std::uint64_t(root["totals"]["parameters"]), 7u);
  EXPECT_EQ(std::uint64_t(root["totals"]["bytes"]), 14u);
}

TEST_F(LsCommand, ErrorsAreOneLineWithTheirExitCode) {
  write_file(file_, "<html></html>");
  const Result web = run({"ls", file_});
  EXPECT_EQ(web.exit_code, 4);
  EXPECT_THAT(web.err, HasSubstr("a web page"));
  const Result none = run({"ls", folder_ / "none"});
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_THAT(none.err, HasSubstr("No such file or directory"));
  EXPECT_EQ(run({"ls"}).exit_code, 2);
  for (const std::string& text : {web.err, none.err}) EXPECT_EQ(text.find('\n'), text.size() - 1);
}

}  // namespace
}  // namespace safelight::test
