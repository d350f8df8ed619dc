// safelight check, run as a user runs it.
#include <gmock/gmock.h>
#include <simdjson.h>

#include <array>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "safelight/tensor.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CheckCommand : public ::testing::Test {
 protected:
  CheckCommand() {
    save(good_, {});
    std::string twice("\x25\0\0\0\0\0\0\0", 8);
    twice += R"({"__metadata__":{"a":"b","a":"c"}}   )";
    write_file(twice_, twice);
    write_file(pointer_, "version https://git-lfs.github.com/spec/v1\n");
  }

  TemporaryFolder folder_;
  const std::string good_ = folder_ / "good.safetensors", twice_ = folder_ / "twice", pointer_ = folder_ / "pointer";
};

TEST_F(CheckCommand, OneLinePerFile) {
  const Result result = run({"check", good_, pointer_, folder_ / "none"});
  EXPECT_EQ(result.exit_code, 3) << "one cannot be read";
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, StartsWith("ok       " + good_ + "\ninvalid  " + pointer_ + ": header-too-large: "));
  EXPECT_THAT(result.out, HasSubstr("Git LFS pointer"));
  EXPECT_THAT(result.out, HasSubstr("git lfs pull"));
  EXPECT_THAT(result.out, HasSubstr("none: io: "));
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 3);
}

TEST_F(CheckCommand, ExitCodeSaysWhetherAllAreValid) {
  EXPECT_EQ(run({"check", good_, good_}).exit_code, 0);
  EXPECT_EQ(run({"check", twice_}).exit_code, 1);
  EXPECT_EQ(run({"check", "--compat", twice_}).exit_code, 0);
  EXPECT_EQ(run({"check", folder_.path()}).exit_code, 0) << "its one .safetensors file is good";
  std::filesystem::remove(good_);
  EXPECT_EQ(run({"check", folder_.path()}).exit_code, 3) << "nothing to check";
  EXPECT_EQ(run({"check"}).exit_code, 2);
  for (const char* missing : {"none", "none.index.json"}) EXPECT_EQ(run({"check", folder_ / missing}).exit_code, 3);
}

TEST_F(CheckCommand, OfAFolderEachFileSetAndFolderBelow) {
  namespace fs = std::filesystem;
  const fs::path sets = folder_.path() / "models" / "sets", shards = folder_.path() / "models" / "shards";
  for (const fs::path& folder : {sets, shards, folder_.path() / "models" / ".hidden"}) fs::create_directories(folder);
  for (const char* name : {"a.safetensors", ".hidden/x.safetensors"}) fs::copy(good_, folder_ / "models" / name);
  fs::copy(twice_, folder_ / "models/b.safetensors");
  fs::create_directory_symlink(folder_ / "models", sets / "round");
  const auto save_one = [](const fs::path& path, const char* tensor) {
    save(path, std::vector<NamedTensor>{{tensor, Tensor::from(std::array{1.0f}, {1})}});
  };
  save_one(sets / "m-00001-of-00001.safetensors", "t");
  save_one(sets / "other.safetensors", "t");  // the same name in another model is no duplicate
  write_file(sets / "m.safetensors.index.json",
             R"({"metadata":{"total_size":4},"weight_map":{"t":"m-00001-of-00001.safetensors"}})");
  save_one(shards / "n-00001-of-00002.safetensors", "t");
  save_one(shards / "n-00002-of-00002.safetensors", "u");
  const Result result = run({"check", folder_ / "models"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, StartsWith("ok       " + (folder_ / "models/a.safetensors").native() + "\ninvalid  " +
                                     (folder_ / "models/b.safetensors").native() + ": "));
  EXPECT_THAT(result.out, EndsWith("\nok       " + (sets / "m.safetensors.index.json").native() + "\nok       " +
                                   (sets / "other.safetensors").native() + "\nok       " + shards.native() + "\n"));
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 5);
}

TEST_F(CheckCommand, JsonLines) {
  const std::string odd = folder_ / "quote\"\n\xFF";
  write_file(odd, "short");
  const Result result = run({"check", "--json", good_, twice_, odd});
  EXPECT_EQ(result.exit_code, 1);
  simdjson::dom::parser parser;
  const simdjson::padded_string text(result.out);  // parse_many refers to it
  std::vector<std::string> rules;
  for (const simdjson::dom::element line : parser.parse_many(text)) {
    rules.emplace_back(std::string_view(line["rule"]));
    EXPECT_EQ(bool(line["valid"]), rules.back() == "ok");
    EXPECT_EQ(std::string_view(line["detail"]).empty(), bool(line["valid"]));
    EXPECT_THAT(std::string(std::string_view(line["file"])), StartsWith(folder_.path().native()));
  }
  EXPECT_THAT(rules, ::testing::ElementsAre("ok", "duplicate-key", "header-too-small"));
}

TEST_F(CheckCommand, SaysWhatIsMissingAndWhatToDo) {
  const std::string cut = folder_ / "cut";
  save(cut, std::vector<NamedTensor>{{"whole", Tensor::allocate(DType::F64, {10})},
                                     {"cut", Tensor::allocate(DType::U8, {4'000'000})}});
  std::filesystem::resize_file(cut, 2'000'000);
  EXPECT_THAT(
      run({"check", cut}).out,
      HasSubstr("tensor \"cut\" claims bytes up to 4,000,080 bytes (4.00 MB) of the data, but the file ends at "));
  EXPECT_THAT(run({"check", cut}).out, HasSubstr("1 of 2 tensors are incomplete; fetch the file again"));
  EXPECT_THAT(run({"check", twice_}).out, HasSubstr("; 'safelight repair' can mend it\n"));
  EXPECT_THAT(run({"check", "--json", twice_}).out, HasSubstr("\"repairable\":true"));
}

TEST(Program, SaysWhatIsNoCommand) {
  const Result unknown = run({"lss", "model.safetensors"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("expected a command (safelight --help lists them), found lss"));
  EXPECT_EQ(run({"help", "ls"}).out, run({"ls", "--help"}).out);
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
}

TEST_F(CheckCommand, HelpHasAnExample) {
  const Result result = run({"check", "--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("Example: safelight check"));
}

}  // namespace
}  // namespace safelight::test
