// safelight convert and scan, run as a user runs them.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ConvertCommand : public ::testing::Test {
 protected:
  static std::string golden(const std::string& name) { return SAFELIGHT_SOURCE_DIR "/tests/data/foreign/" + name; }

  TemporaryFolder folder_;
};

TEST_F(ConvertCommand, SaysWhatItDid) {
  const std::string out = folder_ / "x.safetensors";
  const Result result = run({"convert", golden("torch_2.15_zip.pt"), out});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith(out + "  22 tensors, "));
  EXPECT_THAT(result.out, HasSubstr("from a PyTorch checkpoint\n"));
  EXPECT_THAT(result.out, HasSubstr("note: took what is under \"state_dict\"\n"));
  EXPECT_THAT(result.out, HasSubstr("shared: shared.second has the bytes of shared.first"));
  EXPECT_THAT(result.out, HasSubstr("left out: epoch: 3\n"));
  EXPECT_EQ(SafeTensors::open(out).tensors().size(), 22u);
}

TEST_F(ConvertCommand, Json) {
  const std::string out = folder_ / "x.npz";
  const Result result = run({"convert", "--json", golden("torch_1.13_legacy.pt"), out});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  simdjson::dom::parser parser;
  const simdjson::padded_string text(result.out);
  const simdjson::dom::element json = parser.parse(text);
  EXPECT_EQ(std::string_view(json["from"]), "torch");
  EXPECT_EQ(std::string_view(json["to"]), "npz");
  EXPECT_EQ(std::int64_t(json["tensors"]), 22);
  EXPECT_EQ(std::uint64_t(json["bytes"]), std::filesystem::file_size(out));
  EXPECT_EQ(std::int64_t(json["dropped_count"]), 4);
  EXPECT_EQ(simdjson::dom::array(json["shared"]).size(), 4u);
}

TEST_F(ConvertCommand, ASetOfFiles) {
  const std::string file = folder_ / "x.safetensors", set = folder_ / "set", out = folder_ / "x.npz";
  ASSERT_EQ(run({"convert", golden("torch_2.15_zip.pt"), file}).exit_code, 0);
  ASSERT_EQ(run({"split", file, "--max-size", "100", "-o", set}).exit_code, 0);
  for (const std::string& in : {set, set + "/x.safetensors.index.json"}) {
    const Result result = run({"convert", in, out});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, StartsWith(out + "  22 tensors, "));
    EXPECT_THAT(result.out, HasSubstr("from a set of SafeTensors files\n"));
  }
  EXPECT_EQ(run({"convert", set, out, "--prefix", "x"}).exit_code, 2);
}

TEST_F(ConvertCommand, OptionsChoose) {
  const std::string out = folder_ / "x";
  EXPECT_EQ(run({"convert", golden("gguf_types.gguf"), out, "--to", "safetensors", "--dequantise", "F16"}).exit_code,
            0);
  EXPECT_EQ(SafeTensors::open(out).find("blocks.Q4_K")->dtype, DType::F16);
  EXPECT_EQ(
      run({"convert", golden("torch_1.13_zip.pt"), out, "--to", "npz", "--prefix", "optimizer_states.0"}).exit_code,
      5);  // a list is no dictionary
  EXPECT_EQ(run({"convert", golden("torch_1.13_zip.pt"), out, "--to", "npz", "--prefix", "optimizer_states"}).exit_code,
            0);
  EXPECT_EQ(run({"convert", golden("torch_1.13_zip.pt"), out}).exit_code, 2);
  EXPECT_EQ(run({"convert", golden("gguf_types.gguf"), out, "--to", "npz", "--prefix", "a"}).exit_code, 2);
  EXPECT_EQ(run({"convert", golden("numpy_objects.npy"), folder_ / "x.npz"}).exit_code, 4);
  EXPECT_EQ(run({"convert", folder_ / "none", folder_ / "x.npz"}).exit_code, 3);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.npz"));
}

TEST_F(ConvertCommand, AFullDiskLeavesTheOldFile) {
  const std::string out = folder_ / "x.gguf";
  write_file(out, "old");
  const Result result = run({"convert", golden("gguf_types.gguf"), out}, {.largest_file = 4096});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(read_file(out), "old");
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(ConvertCommand, ScanHasAnExitCodePerVerdict) {
  const std::string evil = folder_ / "evil.pkl";
  write_file(evil, "cos\nsystem\n(S'true'\ntR.");
  EXPECT_EQ(run({"scan", golden("numpy_2.pkl"), golden("numpy.npz")}).exit_code, 0);
  EXPECT_EQ(run({"scan", golden("numpy_2.pkl"), golden("torch_1.13_zip.pt")}).exit_code, 1);
  EXPECT_EQ(run({"scan", evil, golden("numpy_2.pkl")}).exit_code, 2);
  EXPECT_EQ(run({"scan", folder_ / "none"}).exit_code, 3);
  // a file that cannot be read says nothing about the others
  EXPECT_EQ(run({"scan", folder_ / "none", golden("numpy_2.pkl")}).exit_code, 3);
  const Result mixed = run({"scan", "--json", folder_ / "none", evil});
  EXPECT_EQ(mixed.exit_code, 2);
  EXPECT_THAT(mixed.out, StartsWith("{\"file\":\"" + (folder_ / "none").native() + "\",\"error\":\""));
  EXPECT_THAT(mixed.out, HasSubstr("\"verdict\":\"dangerous\""));
  const Result text = run({"scan", evil});
  EXPECT_THAT(text.out, StartsWith("dangerous   " + evil + ": a pickle, 1 pickle\n"));
  EXPECT_THAT(text.out, HasSubstr("REDUCE os.system('true') at byte 21: runs programs"));
  const Result json = run({"scan", "--json", evil, golden("numpy_2.pkl")});
  simdjson::dom::parser parser;
  const simdjson::padded_string lines(json.out);
  std::vector<std::string> verdicts;
  for (const simdjson::dom::element line : parser.parse_many(lines)) {
    verdicts.emplace_back(std::string_view(line["verdict"]));
    for (const simdjson::dom::element finding : simdjson::dom::array(line["findings"]))
      EXPECT_FALSE(std::string_view(finding["opcode"]).empty());
  }
  EXPECT_THAT(verdicts, ::testing::ElementsAre("dangerous", "clean"));
}

TEST_F(ConvertCommand, HelpHasAnExample) {
  EXPECT_THAT(run({"convert", "--help"}).out, HasSubstr("Example: safelight convert"));
  EXPECT_THAT(run({"scan", "--help"}).out, HasSubstr("Example: safelight scan"));
}

}  // namespace
}  // namespace safelight::test
