// safelight stat, diff, cast and merge, run as a user runs them.
#include <gmock/gmock.h>
#include <simdjson.h>

#include <cstring>
#include <limits>

#include "cli/program.h"
#include "safelight/cast.h"
#include "safelight/picture.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class NumbersCommands : public ::testing::Test {
 protected:
  NumbersCommands() {
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    save(a_, std::vector<NamedTensor>{{"net.weight", Tensor::from(std::vector<float>{0, 1, 2, 1e6f, kNan}, {5})},
                                      {"net.bias", Tensor::from(std::vector<float>{0.5f}, {1})}});
    save(b_, std::vector<NamedTensor>{{"net.weight", Tensor::from(std::vector<float>{0, 1, 4, 1e6f, kNan}, {5})},
                                      {"net.bias", Tensor::from(std::vector<float>{0.5f}, {1})}});
  }
  simdjson::dom::element parsed(const Result& result) { return parser_.parse(result.out); }

  TemporaryFolder folder_;
  simdjson::dom::parser parser_;
  const std::string a_ = folder_ / "a.safetensors", b_ = folder_ / "b.safetensors", out_ = folder_ / "out.safetensors";
};

TEST_F(NumbersCommands, StatTable) {
  const Result result = run({"stat", a_}, {.environment = {"LC_ALL=C"}});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("name        type  shape"));
  EXPECT_THAT(result.out, HasSubstr("\nnet.weight  F32   [5]      0  1e+06  2.5e+05  4.33e+05      1      1/0  #"));
  EXPECT_THAT(run({"stat", a_, "*.bias"}).out, ::testing::Not(HasSubstr("net.weight")));
  EXPECT_THAT(run({"stat", a_}, {.environment = {"LC_ALL=C.UTF-8"}}).out, HasSubstr("█"));
}

TEST_F(NumbersCommands, StatJson) {
  const Result result = run({"stat", "--json", "--bins", "2", a_});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const simdjson::dom::element t : parsed(result)["tensors"]) {
    if (std::string_view(t["name"]) != "net.weight") continue;
    EXPECT_EQ(std::int64_t(t["nans"]), 1);
    EXPECT_EQ(double(t["max"]), 1e6);
    EXPECT_EQ(std::int64_t(t["histogram"].at(0)), 3);
    EXPECT_EQ(std::int64_t(t["histogram"].at(1)), 1);
  }
}

TEST_F(NumbersCommands, StatChart) {
  const std::string png = folder_ / "chart.png";
  ASSERT_EQ(run({"stat", a_, "--png", png}).exit_code, 0);
  const Picture chart = read_png(png).picture;
  EXPECT_GT(chart.width, 500);
  EXPECT_GT(chart.height, 100);
  EXPECT_EQ(run({"stat", a_, "--png", folder_ / "chart.jpg"}).exit_code, 2);
  EXPECT_EQ(run({"stat", a_, "nothing.*"}).exit_code, 5);
}

TEST_F(NumbersCommands, DiffTellsByItsExitCode) {
  const Result same = run({"diff", a_, a_}), different = run({"diff", a_, b_});
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_EQ(same.out, "same: 2 tensors in both, 2 of them the same\n");
  EXPECT_EQ(different.exit_code, 1);
  EXPECT_THAT(different.out, StartsWith("~ net.weight  1 of 5 numbers differ, max 2 at 2, relative 0.5, rms 1,"));
  EXPECT_THAT(different.out, HasSubstr("\ndifferent: 2 tensors in both, 1 of them the same\n"));
  EXPECT_EQ(run({"diff", a_, b_, "--tolerance", "2"}).exit_code, 0);
  EXPECT_EQ(run({"diff", a_, b_, "--relative", "0.5"}).exit_code, 0);
  EXPECT_EQ(run({"diff", a_, b_, "--except", "*.weight"}).exit_code, 0);
  EXPECT_EQ(run({"diff", a_, folder_ / "none"}).exit_code, 3);
  EXPECT_EQ(run({"diff", a_, b_, "--tolerance", "-1"}).exit_code, 2);
}

TEST_F(NumbersCommands, DiffJson) {
  const Result result = run({"diff", "--json", a_, b_});
  EXPECT_EQ(result.exit_code, 1);
  const simdjson::dom::element found = parsed(result);
  EXPECT_TRUE(bool(found["differs"]));
  EXPECT_EQ(std::int64_t(found["tensors"].at(0)["numbers"]["differing"]), 1);
  EXPECT_EQ(double(found["tensors"].at(0)["numbers"]["max_absolute"]), 2);
}

TEST_F(NumbersCommands, Cast) {
  const Result result = run({"cast", a_, "-o", out_, "--to", "f16"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith(out_ + "  2 of 2 tensors cast to F16, 24 B -> 12 B\n"));
  EXPECT_THAT(result.out, HasSubstr("net.weight  1 beyond, 0 zero"));
  EXPECT_EQ(SafeTensors::open(out_).find("net.bias")->dtype, DType::F16);

  const Result json = run({"cast", "--json", a_, "-o", out_, "--to", "BF16", "--only", "*.bias"});
  ASSERT_EQ(json.exit_code, 0) << json.err;
  EXPECT_EQ(std::int64_t(parsed(json)["changed"]), 1);
  EXPECT_EQ(SafeTensors::open(out_).find("net.weight")->dtype, DType::F32);
}

TEST_F(NumbersCommands, TakeSetsAsTheyTakeFiles) {
  const std::string set = folder_ / "set", index = set + "/a.safetensors.index.json";
  ASSERT_EQ(run({"split", a_, "--max-size", "4", "-o", set}).exit_code, 0);
  const auto table = [](const Result& result) { return result.out; };
  EXPECT_EQ(table(run({"stat", set, "net.*"})), table(run({"stat", a_, "net.*"})));
  EXPECT_EQ(run({"diff", set, a_}).exit_code, 0);
  EXPECT_THAT(run({"diff", index, b_}).out, HasSubstr("2 tensors in both, 1 of them the same\n"));
  const std::string other = folder_ / "other.safetensors";
  ASSERT_EQ(run({"cast", index, "-o", out_, "--to", "F16"}).exit_code, 0);
  ASSERT_EQ(run({"cast", a_, "-o", other, "--to", "F16"}).exit_code, 0);
  EXPECT_EQ(read_file(out_), read_file(other));
  ASSERT_EQ(run({"merge", "-o", out_, "--sum", set + "=0.5", b_ + "=0.5"}).exit_code, 0);
  EXPECT_EQ(to_f32(SafeTensors::open(out_).tensor("net.weight")).floats()[2], 3);
}

// An option takes one value each time: what follows it is the file.
TEST_F(NumbersCommands, OptionsBeforeTheFile) {
  const Result result = run({"cast", "--only", "*.bias", a_, "-o", out_, "--to", "F16"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(SafeTensors::open(out_).find("net.weight")->dtype, DType::F32);
  EXPECT_EQ(run({"cast", "--only", "*.bias", "--only", "*.weight", a_, "-o", out_, "--to", "F16"}).exit_code, 0);
  EXPECT_EQ(SafeTensors::open(out_).find("net.weight")->dtype, DType::F16);
  EXPECT_EQ(run({"diff", "--except", "*.weight", a_, b_}).exit_code, 0);
  EXPECT_EQ(run({"stat", "--except", "*.weight", a_}).exit_code, 0);
  EXPECT_EQ(run({"merge", "--sum", a_ + "=0.5", b_ + "=0.5", "-o", out_}).exit_code, 0);
  EXPECT_EQ(run({"merge", "--add-difference", a_, b_, a_, "-o", out_}).exit_code, 0);
}

TEST_F(NumbersCommands, ThreadsAreBounded) {
  EXPECT_EQ(run({"stat", a_, "--threads", "1024"}).exit_code, 0);
  for (const char* threads : {"0", "1025", "-1", "2000000000"}) {
    const Result result = run({"stat", a_, "--threads", threads});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("--threads"));
  }
}

TEST_F(NumbersCommands, FailuresLeaveTheOldFile) {
  ASSERT_EQ(run({"cast", a_, "-o", out_, "--to", "F16"}).exit_code, 0);
  const std::string before = read_file(out_);
  EXPECT_EQ(run({"cast", a_, "-o", out_, "--to", "I8"}).exit_code, 2);
  EXPECT_EQ(run({"cast", a_, "-o", out_, "--to", "F17"}).exit_code, 2);
  EXPECT_EQ(run({"cast", a_, "-o", out_, "--to", "F64"}, {.largest_file = 100}).exit_code, 3);
  EXPECT_EQ(run({"merge", "-o", out_, "--sum", a_ + "=1", (folder_ / "none").native() + "=1"}).exit_code, 3);
  EXPECT_EQ(read_file(out_), before);
  EXPECT_EQ(folder_.files(), 3u);
}

TEST_F(NumbersCommands, MergeSum) {
  const Result result = run({"merge", "-o", out_, "--sum", a_ + "=0.5", b_ + "=0.5"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, out_ + "  2 tensors, 2 summed\n");
  EXPECT_EQ(to_f32(SafeTensors::open(out_).tensor("net.weight")).floats()[2], 3);
  const Result difference = run({"merge", "--json", "-o", out_, "--add-difference", a_, b_, a_, "--amount", "2"});
  ASSERT_EQ(difference.exit_code, 0) << difference.err;
  EXPECT_EQ(std::int64_t(parsed(difference)["summed"]), 2);
  EXPECT_EQ(to_f32(SafeTensors::open(out_).tensor("net.weight")).floats()[2], 6);
}

TEST_F(NumbersCommands, MergeLora) {
  const std::string base = folder_ / "base.safetensors", lora = folder_ / "lora.safetensors";
  const Tensor one = Tensor::from(std::vector<float>{1}, {1, 1});
  save(base, std::vector<NamedTensor>{{"model.diffusion_model.out.2.weight", one}});
  save(lora, std::vector<NamedTensor>{{"lora_unet_conv_out.lora_up.weight", one},
                                      {"lora_unet_conv_out.lora_down.weight", one},
                                      {"lora_unet_other.alpha", one}});
  EXPECT_EQ(run({"merge", base, "-o", out_, "--lora", lora + "=0.5"}).exit_code, 5);
  const Result result = run({"merge", base, "-o", out_, "--lora", lora + "=0.5", "--skip-unmatched"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, out_ + "  1 tensor, 0 summed, 1 LoRA module folded in\nskipped: lora_unet_other.alpha\n");
  EXPECT_EQ(to_f32(SafeTensors::open(out_).tensor("model.diffusion_model.out.2.weight")).floats()[0], 1.5f);
}

TEST_F(NumbersCommands, MergeAsksForOneWay) {
  EXPECT_EQ(run({"merge", "-o", out_}).exit_code, 2);
  EXPECT_EQ(run({"merge", a_, "-o", out_}).exit_code, 2);
  EXPECT_EQ(run({"merge", a_, "-o", out_, "--sum", b_ + "=1"}).exit_code, 2);
  EXPECT_EQ(run({"merge", "-o", out_, "--sum", a_, b_}).exit_code, 2);
  EXPECT_EQ(run({"merge", "-o", out_, "--sum", a_ + "=x", b_ + "=1"}).exit_code, 2);
  EXPECT_THAT(run({"merge", "-o", out_, "--sum", a_ + "=1", b_ + "=1", "--amount", "2"}).err,
              HasSubstr("--add-difference"));
}

TEST_F(NumbersCommands, HelpHasAnExample) {
  for (const char* command : {"stat", "diff", "cast", "merge"}) {
    const Result result = run({command, "--help"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, HasSubstr(std::string("Example: safelight ") + command));
  }
}

}  // namespace
}  // namespace safelight::test
