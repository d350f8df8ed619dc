// Ctrl-C while a command writes: it stops at once, says so, and leaves every file as it was.
#include <gmock/gmock.h>

#include <map>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;

// A model of gigabytes that takes no room on the disk: zeros that were never written.
class Interrupted : public ::testing::Test {
 protected:
  static constexpr int kTensors = 256;
  static constexpr std::uint64_t kTensorBytes = 16 << 20;

  Interrupted() {
    std::string header = "{";
    for (int i = 0; i < kTensors; ++i) {
      const std::string begin = std::to_string(i * kTensorBytes), end = std::to_string((i + 1) * kTensorBytes);
      header += (i ? ",\"t" : "\"t") + std::to_string(i) +
                "\":{\"dtype\":\"F32\",\"shape\":[4194304],\"data_offsets\":[" + begin + "," + end + "]}";
    }
    header += "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i));
    write_file(model_, bytes + header);
    std::filesystem::resize_file(model_, 8 + header.size() + kTensors * kTensorBytes);
    write_file(old_, "what was there before");
  }

  // What a folder holds, folders in it included.
  std::map<std::string, std::uint64_t> contents() const {
    std::map<std::string, std::uint64_t> sizes;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
      sizes[entry.path()] = entry.is_regular_file() ? entry.file_size() : 0;
    return sizes;
  }

  // Interrupts the command as soon as its first temporary file is there.
  void expect_undone(const std::vector<std::string>& arguments) {
    const auto before = contents();
    const auto writing = [&] { return folder_.files() > 2; };
    const Result result = run(arguments, {.interrupt_when = writing});
    EXPECT_EQ(result.exit_code, 130) << arguments[0];
    EXPECT_THAT(result.err, HasSubstr("cancelled")) << arguments[0];
    EXPECT_EQ(contents(), before) << arguments[0];
    EXPECT_EQ(read_file(old_), "what was there before") << arguments[0];
  }

  TemporaryFolder folder_;
  const std::string model_ = folder_ / "model.safetensors", old_ = folder_ / "old.safetensors";
};

TEST_F(Interrupted, EditsOfTheListOfTensors) {
  expect_undone({"keep", model_, "t1*", "-o", old_});
  expect_undone({"rename", model_, "--add-prefix", "x.", "-o", old_});
  expect_undone({"join", model_, "-o", old_});
  expect_undone({"split", model_, "--max-size", "1GB", "-o", folder_ / "parts"});
}

TEST_F(Interrupted, Arithmetic) {
  expect_undone({"cast", model_, "-o", old_, "--to", "BF16"});
  expect_undone({"merge", "-o", old_, "--sum", model_ + "=0.5", model_ + "=0.5"});
}

TEST_F(Interrupted, Conversions) {
  for (const char* to : {"npz", "gguf", "safetensors"})
    expect_undone({"convert", model_, folder_ / (std::string("out.") + to)});
}

TEST_F(Interrupted, Repair) {
  std::filesystem::resize_file(model_, std::filesystem::file_size(model_) + 8);  // bytes that belong to no tensor
  expect_undone({"repair", model_, "-o", old_});
}

}  // namespace
}  // namespace safelight::test
