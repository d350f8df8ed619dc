// safelight tree, run as a user runs it.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TreeCommand : public ::testing::Test {
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
TEST_F(TreeCommand, Tree) {
  write({{"net.blocks.10.w", {2, 3}},
         {"net.blocks.2.w", {4}},
         {"net.blocks.2.bias", {1}},
         {"net.out.weight", {500}},
         {"net.out", {}},
         {"scale", {}}});
  const Result result = run({"tree", file_}, {.environment = {"LC_ALL=C"}});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\ntensors\n"
                                    "net                5 tensors  1.02 KB  100%  ####################\n"
                                    "  blocks           3 tensors     22 B    2%\n"
                                    "    2              2 tensors     10 B    1%\n"
                                    "      bias    F16  [1]            2 B    0%\n"
                                    "      w       F16  [4]            8 B    1%\n"
                                    "    10.w      F16  [2, 3]        12 B    1%\n"
                                    "  out         F16  []             2 B    0%\n"
                                    "  out.weight  F16  [500]      1.00 KB   97%  ###################\n"
                                    "scale         F16  []             2 B    0%\n"));
  EXPECT_THAT(result.out, HasSubstr("\n6 tensors, 513 parameters, 1.03 KB: 1.03 KB F16\n"));
}

TEST_F(TreeCommand, DepthShowsSums) {
  write({{"a.b.c", {1}}, {"a.b.d", {1}}, {"a.e", {1}}});
  const Result result = run({"tree", "--depth", "1", file_}, {.environment = {"LC_ALL=C.UTF-8"}});
  EXPECT_THAT(result.out, HasSubstr("\ntensors\na    3 tensors  6 B  100%  ████████████████████\n"));
  EXPECT_EQ(run({"tree", "--depth", "0", file_}).exit_code, 2);
}

TEST_F(TreeCommand, NamesAndMetadataCannotDisturbTheTerminal) {
  write({{"evil\x1B[2J\n\xE2\x80\xAEname", {1}}, {"", {1}}},
        {{"k\x07", "line\nbreak"}, {"long", std::string(5000, 'v')}});
  const Result result = run({"tree", file_});
  EXPECT_THAT(result.out, HasSubstr("evil\\x1b[2J\\n\\u{202e}name"));
  EXPECT_THAT(result.out, HasSubstr("\"\""));
  EXPECT_THAT(result.out, HasSubstr("k\\x07"));
  EXPECT_THAT(result.out, HasSubstr("line\\nbreak"));
  EXPECT_THAT(result.out, HasSubstr("vvv... (5000 bytes)"));
  EXPECT_THAT(result.out, Not(HasSubstr(std::string(101, 'v'))));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1B")));
}

TEST_F(TreeCommand, JsonIsNested) {
  write({{"a.b.c", {1}}, {"a.b.d", {3}}, {"a.e", {1}}, {"z\"", {}}}, {{"k", "v"}});
  const Result result = run({"tree", "--json", file_});
  ASSERT_EQ(result.exit_code, 0);
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(result.out);
  EXPECT_EQ(std::string_view(root["file"]), file_);
  EXPECT_EQ(std::string_view(root["metadata"]["k"]), "v");
  EXPECT_EQ(std::uint64_t(root["totals"]["bytes"]), 12u);
  EXPECT_EQ(simdjson::minify(root["tree"]), R"([{"name":"a","tensors":3,"bytes":10,"children":[)"
                                            R"({"name":"b","tensors":2,"bytes":8,"children":[)"
                                            R"({"name":"c","tensor":"a.b.c","dtype":"F16","shape":[1],"bytes":2},)"
                                            R"({"name":"d","tensor":"a.b.d","dtype":"F16","shape":[3],"bytes":6}]},)"
                                            R"({"name":"e","tensor":"a.e","dtype":"F16","shape":[1],"bytes":2}]},)"
                                            R"({"name":"z\"","tensor":"z\"","dtype":"F16","shape":[],"bytes":2}])");
  const Result shallow = run({"tree", "--json", "--depth", "1", file_});
  EXPECT_THAT(shallow.out, HasSubstr(R"("tree":[{"name":"a","tensors":3,"bytes":10},{"name":"z)"));
}

TEST_F(TreeCommand, ErrorsAreOneLineWithTheirExitCode) {
  write_file(file_, "<html></html>");
  const Result web = run({"tree", file_});
  EXPECT_EQ(web.exit_code, 4);
  EXPECT_THAT(web.err, HasSubstr("a web page"));
  const Result none = run({"tree", folder_ / "none"});
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_THAT(none.err, HasSubstr("No such file or directory"));
  EXPECT_EQ(run({"tree"}).exit_code, 2);
  for (const std::string& text : {web.err, none.err}) EXPECT_EQ(text.find('\n'), text.size() - 1);
}

}  // namespace
}  // namespace safelight::test
