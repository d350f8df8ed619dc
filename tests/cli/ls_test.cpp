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
  void write(const std::vector<NamedTensor>& tensors, const Metadata& metadata = {}) { save(file_, tensors, metadata); }
  static NamedTensor f16(const std::string& name, Shape shape) {
    return {name, Tensor::allocate(DType::F16, std::move(shape))};
  }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "model.safetensors";
};

// One line each, by name, in which numbers sort as numbers.
TEST_F(LsCommand, ListsByName) {
  write({f16("b.10.w", {2, 3}), f16("b.2.w", {500}), f16("a", {}), {"z", Tensor::allocate(DType::F32, {1})}});
  const Result result = run({"ls", file_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "F16      2 B     4    6  []      a\n"
            "F16  1.00 KB    18 1018  [500]   b.2.w\n"
            "F16     12 B     6   18  [2, 3]  b.10.w\n"
            "F32      4 B     0    4  [1]     z\n"
            "4 tensors, 508 parameters, 1.02 KB: 1.01 KB F16, 4 B F32\n");
}

TEST_F(LsCommand, SortsBySizeAndOffsetAndBackwards) {
  write({f16("a", {1}), f16("b", {3}), f16("c", {2})});
  const auto order = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"ls", file_});
    const std::string out = run(options).out;
    std::string names;
    for (std::size_t end = 0; (end = out.find("]  ", end)) != out.npos; ++end) names += out[end + 3];
    return names;
  };
  EXPECT_EQ(order({}), "abc");
  EXPECT_EQ(order({"-r"}), "cba");
  EXPECT_EQ(order({"--sort", "size"}), "bca");
  EXPECT_EQ(order({"--sort", "size", "--reverse"}), "acb");
  EXPECT_EQ(order({"--sort", "offset"}), "abc");
  EXPECT_EQ(run({"ls", file_, "--sort", "colour"}).exit_code, 2);
}

TEST_F(LsCommand, PatternsChoose) {
  write({f16("net.a.bias", {1}), f16("net.a.weight", {2}), f16("vae.bias", {3})});
  const Result biases = run({"ls", "--bytes", file_, "*.bias"});
  EXPECT_EQ(biases.exit_code, 0);
  EXPECT_THAT(biases.out, HasSubstr("  net.a.bias\n"));
  EXPECT_THAT(biases.out, HasSubstr("  vae.bias\n2 tensors, 4 parameters"));
  EXPECT_THAT(biases.out, Not(HasSubstr("weight")));
  EXPECT_THAT(run({"ls", file_, "net.*.weight", "v?e.*"}).out, HasSubstr("\n2 tensors"));
  EXPECT_EQ(run({"ls", file_, "nothing*"}).exit_code, 1);
}

TEST_F(LsCommand, NamesCannotDisturbTheTerminal) {
  write({f16("evil\x1B[2J\n\xE2\x80\xAEname", {1}), f16("", {1})});
  const Result result = run({"ls", file_});
  EXPECT_THAT(result.out, HasSubstr("evil\\x1b[2J\\n\\u{202e}name"));
  EXPECT_THAT(result.out, HasSubstr("\"\""));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1B")));
}

TEST_F(LsCommand, Json) {
  const std::string name = "q\"\\\n\x01\xE2\x80\xAE";
  write({f16(name, {2, 3}), f16("b", {})}, {{"k\"", "v\n"}});
  const Result result = run({"ls", "--json", "--sort", "offset", file_});
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

TEST_F(LsCommand, UnknownWordsAreNamed) {
  const auto refusal = [](const std::vector<std::string>& words) {
    const Result result = run(words);
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  EXPECT_EQ(refusal({"ls", "--jsn", "x"}),
            "safelight: --jsn: no such option; did you mean --json? (safelight ls --help lists them)\n");
  EXPECT_EQ(refusal({"ls", "x", "--unlike-any=3"}),
            "safelight: --unlike-any: no such option (safelight ls --help lists them)\n");
  EXPECT_EQ(refusal({"generate", "a house"}),
            "safelight: expected options only (safelight generate --help lists them), found a house\n");
  EXPECT_EQ(refusal({"--versoin"}),
            "safelight: --versoin: no such option; did you mean --version? (safelight --help lists them)\n");
}

}  // namespace
}  // namespace safelight::test
