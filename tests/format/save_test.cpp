#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <random>
#include <thread>

#include "safelight/safetensors.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::read_file;
using test::TemporaryFolder;

std::vector<NamedTensor> tensors_of(const SafeTensors& file) {
  std::vector<NamedTensor> tensors;
  for (const TensorInfo& info : file.tensors()) tensors.push_back({info.name, file.tensor(info)});
  return tensors;
}

Tensor filled(std::size_t bytes, char value) {
  Tensor t = Tensor::allocate(DType::U8, {static_cast<std::int64_t>(bytes)});
  std::memset(t.mutable_data(), value, bytes);
  return t;
}

// The golden is what the public package wrote (tests/golden/written_file.py).
TEST(Save, SameBytesAsTheReference) {
  const std::filesystem::path golden = SAFELIGHT_SOURCE_DIR "/tests/data/format/written.safetensors";
  const SafeTensors file = SafeTensors::open(golden);
  std::vector<NamedTensor> tensors = tensors_of(file);
  ASSERT_EQ(tensors.size(), 16u);
  std::mt19937 random(1);
  const TemporaryFolder folder;
  for (int round = 0; round < 3; ++round) {
    std::shuffle(tensors.begin(), tensors.end(), random);
    save(folder / "f", tensors, file.metadata());
    EXPECT_TRUE(read_file(folder / "f") == read_file(golden));
  }
}

TEST(Save, NothingAtAll) {
  const TemporaryFolder folder;
  save(folder / "f", {});
  EXPECT_EQ(read_file(folder / "f"), std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
}

TEST(Save, MetadataIsSorted) {
  const TemporaryFolder folder;
  save(folder / "f", {}, {{"b", "2"}, {"a", "1"}, {"", "0"}});
  EXPECT_EQ(read_file(folder / "f").substr(8), R"({"__metadata__":{"":"0","a":"1","b":"2"}}       )");
}

TEST(Save, TensorsAreAlignedToTheirElements) {
  const TemporaryFolder folder;
  std::vector<NamedTensor> tensors;
  for (const DTypeInfo& row : dtypes()) tensors.push_back({std::string(row.name), Tensor::allocate(row.dtype, {8, 3})});
  save(folder / "f", tensors);
  const SafeTensors file = SafeTensors::open(folder / "f");
  EXPECT_EQ(file.tensors().size(), dtypes().size());
  for (const TensorInfo& info : file.tensors())
    EXPECT_EQ((8 + file.header_bytes() + info.begin) % static_cast<std::uint64_t>(std::max(bits(info.dtype) / 8, 1)),
              0u);
}

TEST(Save, RefusesWhatTheFormatCannotHold) {
  const TemporaryFolder folder;
  const Tensor t = filled(1, 'x');
  const auto try_to_save = [&](const std::vector<NamedTensor>& tensors, const Metadata& metadata = {}) {
    save(folder / "f", tensors, metadata);
  };
  EXPECT_ERROR(try_to_save({{"a", t}, {"b", t}, {"a", t}}), usage, "two tensors are named \"a\"");
  EXPECT_ERROR(try_to_save({{"__metadata__", t}}), usage, "__metadata__");
  EXPECT_ERROR(try_to_save({{"a\xFF", t}}), usage, "\"a\\xff\" is not UTF-8");
  EXPECT_ERROR(try_to_save({}, {{"\xFF", ""}}), usage, "is not UTF-8");
  EXPECT_ERROR(try_to_save({}, {{"", "\xED\xA0\x80"}}), usage, "is not UTF-8");
  EXPECT_ERROR(try_to_save({{"a", Tensor()}}), usage, "empty");
  EXPECT_ERROR(try_to_save({{"a", Tensor::allocate(DType::F4, {3})}}), usage, "whole bytes");
  EXPECT_ERROR(try_to_save({}, {{"k", std::string(100'000'000, 'v')}}), limit, "100000000");
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Save, OverTheFileThatIsMapped) {
  const TemporaryFolder folder;
  save(folder / "f", std::vector<NamedTensor>{{"a", filled(100'000, 'a')}, {"b", filled(50, 'b')}});
  const SafeTensors old = SafeTensors::open(folder / "f");
  std::vector<NamedTensor> tensors = tensors_of(old);
  tensors[0].name = "c";
  save(folder / "f", tensors);
  EXPECT_EQ(old.tensor("a").data()[99'999], std::byte{'a'});
  const SafeTensors now = SafeTensors::open(folder / "f");
  EXPECT_EQ(now.find("a"), nullptr);
  EXPECT_EQ(now.tensor("c").data()[99'999], std::byte{'a'});
}

TEST(Save, FullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  save(folder / "f", std::vector<NamedTensor>{{"old", filled(10, 'o')}});
  const std::string before = read_file(folder / "f");
  const std::vector<NamedTensor> large = {{"a", filled(4 << 20, 'a')}};
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = 1 << 20, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_ERROR(save(folder / "f", large), io, "File too large");
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(read_file(folder / "f"), before);
  EXPECT_EQ(folder.files(), 1u);
}

// Saves one of two files for ever.
[[noreturn]] void save_until_killed(const std::filesystem::path& path) {
  const std::vector<NamedTensor> one = {{"one", filled(300'000, '1')}};
  const std::vector<NamedTensor> two = {{"two", filled(2'000'000, '2')}};
  for (;;) {
    save(path, one);
    save(path, two);
  }
}

TEST(Save, KilledAtAnyMomentLeavesAWholeFile) {
  const TemporaryFolder folder;
  std::mt19937 random(7);
  for (int round = 0; round < 30; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_until_killed(folder / "f");
    // Once the child is at work, at any moment of its loop.
    while (!std::filesystem::exists(folder / "f")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const SafeTensors file = SafeTensors::open(folder / "f");
    ASSERT_EQ(file.tensors().size(), 1u);
    const bool is_two = file.tensors()[0].name == "two";
    const Tensor t = file.tensor(file.tensors()[0]);
    EXPECT_EQ(t.bytes(), is_two ? 2'000'000u : 300'000u);
    const std::byte expected{is_two ? std::uint8_t{'2'} : std::uint8_t{'1'}};
    EXPECT_TRUE(std::all_of(t.data(), t.data() + t.bytes(), [&](std::byte b) { return b == expected; }));
  }
}

}  // namespace
}  // namespace safelight
