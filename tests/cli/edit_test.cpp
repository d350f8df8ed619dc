// safelight keep, drop, rename, split and join, run as a user runs them.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EditCommands : public ::testing::Test {
 protected:
  EditCommands() {
    std::vector<NamedTensor> tensors;
    float value = 0;
    for (const char* name : {"unet.a", "unet.b", "vae.a", "ema.a"})
      tensors.push_back({name, Tensor::from(std::vector<float>{++value, 0}, {2})});
    save(file_, tensors, {{"format", "pt"}});
  }
  std::vector<std::string> names(const std::string& path) {
    std::vector<std::string> list;
    const SafeTensors file = SafeTensors::open(path);
    for (const TensorInfo& info : file.tensors()) list.push_back(info.name);
    return list;
  }
  float first(const std::string& path, const std::string& tensor) {
    return SafeTensors::open(path).tensor(tensor).floats()[0];
  }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "model.safetensors", out_ = folder_ / "out.safetensors", set_ = folder_ / "set";
};

TEST_F(EditCommands, Keep) {
  const Result result = run({"keep", file_, "unet.*", "vae.*", "-o", out_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "3 of 4 tensors, 24 B\nwritten: " + out_ + "\n");
  EXPECT_THAT(names(out_), ElementsAre("unet.a", "unet.b", "vae.a"));
  EXPECT_EQ(first(out_, "vae.a"), 3);
  EXPECT_EQ(SafeTensors::open(out_).metadata(), (Metadata{{"format", "pt"}}));
}

TEST_F(EditCommands, DropInPlace) {
  EXPECT_EQ(run({"drop", file_, "ema.*", "-o", file_}).exit_code, 0);
  EXPECT_THAT(names(file_), ElementsAre("unet.a", "unet.b", "vae.a"));
  EXPECT_EQ(first(file_, "unet.b"), 2);
}

TEST_F(EditCommands, DryRunsWriteNothing) {
  const Result result = run({"drop", file_, "ema.*", "--dry-run"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "left out: ema.a\n3 of 4 tensors, 24 B\nnothing was written\n");
  EXPECT_THAT(run({"rename", file_, "--add-prefix", "x.", "--dry-run"}).out, HasSubstr("unet.a -> x.unet.a\n"));
  EXPECT_THAT(run({"split", file_, "--by-prefix", "--dry-run"}).out, HasSubstr("unet.safetensors  2 tensors, 16 B\n"));
  EXPECT_THAT(run({"join", file_, "--dry-run"}).out, HasSubstr("1 file, 4 tensors, 32 B\nnothing was written\n"));
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(EditCommands, Rename) {
  write_file(folder_ / "map.json", R"({"ema.a":"average"})");
  const Result result = run({"rename", file_, "-e", "s/^unet\\.(.)/net_\\1/", "--from-json", folder_ / "map.json",
                             "--strip-prefix", "vae.", "--json", "-o", out_});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(names(out_), ElementsAre("a", "average", "net_a", "net_b"));
  EXPECT_EQ(first(out_, "average"), 4);
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(result.out);
  EXPECT_EQ(simdjson::dom::array(root["renamed"]).size(), 4u);
}

TEST_F(EditCommands, ARuleThatChangesNothingIsAnError) {
  const Result result = run({"rename", file_, "--strip-prefix", "none.", "-o", out_});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("found none"));
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(EditCommands, CollisionsAreListed) {
  const Result result = run({"rename", file_, "-e", "s/.*\\.a/a/", "-o", out_});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("\"a\" from \"ema.a\", \"unet.a\", \"vae.a\""));
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(EditCommands, SplitBySizeAndJoinAgain) {
  const Result split = run({"split", file_, "--max-size", "16", "-o", set_});
  ASSERT_EQ(split.exit_code, 0) << split.err;
  const std::string one = set_ + "/model-00001-of-00002.safetensors", two = set_ + "/model-00002-of-00002.safetensors";
  EXPECT_TRUE(std::filesystem::exists(set_ + "/model.safetensors.index.json"));
  for (const std::vector<std::string>& inputs :
       {std::vector{one, two}, std::vector{set_}, std::vector{set_ + "/model.safetensors.index.json"}}) {
    std::vector<std::string> arguments = {"join", "-o", out_};
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
    const Result join = run(arguments);
    EXPECT_EQ(join.exit_code, 0) << join.err;
    EXPECT_THAT(join.out, HasSubstr("2 files, 4 tensors, 32 B\n"));
    EXPECT_EQ(read_file(out_), read_file(file_));
    std::filesystem::remove(out_);
  }
}

TEST_F(EditCommands, TakeSetsAsTheyTakeFiles) {
  ASSERT_EQ(run({"split", file_, "--max-size", "16", "-o", set_}).exit_code, 0);
  const std::string index = set_ + "/model.safetensors.index.json", halves = folder_ / "halves";
  const Result keep = run({"keep", set_, "unet.b", "vae.*", "-o", out_});
  EXPECT_EQ(keep.out, "2 of 4 tensors, 16 B\nwritten: " + out_ + "\n") << keep.err;
  EXPECT_EQ(first(out_, "unet.b"), 2);
  EXPECT_EQ(first(out_, "vae.a"), 3);
  EXPECT_EQ(run({"drop", index, "ema.*", "-o", out_}).exit_code, 0);
  EXPECT_THAT(names(out_), ElementsAre("unet.a", "unet.b", "vae.a"));
  EXPECT_EQ(run({"rename", set_, "--add-prefix", "x.", "-o", out_}).exit_code, 0);
  EXPECT_EQ(first(out_, "x.ema.a"), 4);
  for (const std::string& set : {set_, set_ + "/", index}) {
    EXPECT_EQ(run({"split", set, "--max-size", "8", "-o", halves}).exit_code, 0);
    EXPECT_TRUE(
        std::filesystem::exists(halves + "/" + (set == index ? "model" : "set") + "-00004-of-00004.safetensors"));
    std::filesystem::remove_all(halves);
  }
  std::filesystem::remove(set_ + "/model-00002-of-00002.safetensors");
  EXPECT_EQ(run({"keep", set_, "*", "-o", out_}).exit_code, 3) << "a shard is missing";
}

TEST_F(EditCommands, SplitByPrefix) {
  const Result result = run({"split", file_, "--by-prefix", "-o", set_, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(names(set_ + "/unet.safetensors"), ElementsAre("unet.a", "unet.b"));
  EXPECT_THAT(result.out, HasSubstr(R"({"file":"vae.safetensors","tensors":1,"bytes":8})"));
  EXPECT_EQ(run({"split", file_, "--by-prefix", "-o", set_}).exit_code, 3) << "the folder is in use";
}

TEST_F(EditCommands, RefusesWithoutTouchingAnything) {
  EXPECT_EQ(run({"keep", file_, "nothing*", "-o", out_}).exit_code, 5);
  EXPECT_EQ(run({"keep", file_, "unet.*"}).exit_code, 2);
  EXPECT_EQ(run({"keep", folder_ / "none", "*", "-o", out_}).exit_code, 3);
  EXPECT_EQ(run({"rename", file_, "-e", "s/(/x/", "-o", out_}).exit_code, 2);
  EXPECT_EQ(run({"split", file_, "-o", set_}).exit_code, 2);
  EXPECT_EQ(run({"split", file_, "-o", set_, "--by-prefix", "--max-size", "1KB"}).exit_code, 2);
  const Result twice = run({"join", file_, file_, "-o", out_});
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("several files have the same tensors"));
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(EditCommands, HelpHasExamples) {
  for (const std::string command :
       {"keep", "drop", "rename", "split", "join", "tree", "header", "repair", "hash", "ls"})
    EXPECT_THAT(run({command, "--help"}).out, HasSubstr("Example: safelight " + command)) << command;
}

}  // namespace
}  // namespace safelight::test
