#include "safelight/hash.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "safelight/content_hash.h"
#include "safelight/safetensors.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::read_file;
using test::TemporaryFolder;
using test::write_file;

// What `sha256sum` says of nothing, of "abc", and of 3,000,000 times 'x'.
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kThreeMillion = "e55b8bdf621ddaa8f462c74745db9680d3bb7536a9cf854f8d6668b34a287890";

class Hashes : public ::testing::Test {
 protected:
  Hashes() { ::setenv("XDG_CACHE_HOME", (folder_ / "cache").c_str(), 1); }

  // A file that was last modified an hour ago: the cache does not trust newer ones.
  std::filesystem::path settled(const std::string& name, const std::string& bytes) {
    write_file(folder_ / name, bytes);
    set_age(folder_ / name, std::chrono::hours(1));
    return folder_ / name;
  }
  static void set_age(const std::filesystem::path& path, std::chrono::seconds age) {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - age);
  }
  std::vector<std::filesystem::path> entries() const {
    std::vector<std::filesystem::path> list;
    if (!std::filesystem::exists(cache_)) return list;
    for (const auto& entry : std::filesystem::directory_iterator(cache_)) list.push_back(entry.path());
    return list;
  }
  // The hash again, and whether it was computed rather than remembered.
  static std::pair<std::string, bool> hash(const std::filesystem::path& path, bool cache = true) {
    bool computed = false;
    Context context;
    context.on_progress = [&](const Progress&) { computed = true; };
    return {hash_file(path, {.cache = cache}, context).sha256, computed};
  }

  TemporaryFolder folder_;
  const std::filesystem::path cache_ = folder_ / "cache" / "safelight" / "hashes";
};

TEST_F(Hashes, OfFilesThatAreNotSafeTensors) {
  const FileHashes empty = hash_file(settled("empty", ""));
  EXPECT_EQ(empty.sha256, kEmpty);
  EXPECT_EQ(empty.autov1, "e3b0c442");
  const FileHashes abc = hash_file(settled("abc", "abc"));
  EXPECT_EQ(abc.sha256, kAbc);
  EXPECT_EQ(abc.autov1, "e3b0c442");
  EXPECT_EQ(abc.autov2, "ba7816bf8f");
  EXPECT_EQ(abc.data_sha256, "");
  EXPECT_EQ(abc.autov3, "");
  EXPECT_EQ(abc.content, "");
}

// AutoV1 sees the 64 KiB at 1 MiB and nothing else; the expected values are sha256sum's of these ranges.
TEST_F(Hashes, AutoV1IsOfItsRange) {
  std::string bytes(3'000'000, 'x');
  EXPECT_EQ(hash_file(settled("x", bytes)).sha256, kThreeMillion);
  EXPECT_EQ(hash_file(settled("x", bytes)).autov1, "1f8745f0");
  bytes[0xFFFFF] = bytes[0x110000] = 'y';
  EXPECT_EQ(hash_file(settled("y", bytes)).autov1, "1f8745f0");
  bytes[0x100000] = 'y';
  EXPECT_NE(hash_file(settled("z", bytes)).autov1, "1f8745f0");
  EXPECT_EQ(hash_file(settled("cut", std::string(0x100000 + 3, 'x'))).autov1, "cd2eb083");
}

// The data's hash is that of what follows the header, in every division of the file into pieces.
TEST_F(Hashes, AutoV3IsOfTheData) {
  for (const std::size_t bytes : {0ul, 1ul, 5'000'000ul, 12'000'000ul}) {
    const std::string data(bytes, 'd');
    Tensor t = Tensor::allocate(DType::U8, {static_cast<std::int64_t>(bytes)});
    std::fill_n(t.mutable_data(), bytes, std::byte{'d'});
    save(folder_ / "a", std::vector<NamedTensor>{{"t", t}});
    save(folder_ / "b", std::vector<NamedTensor>{{"t", t}}, {{"title", "another header"}});
    const FileHashes a = hash_file(folder_ / "a"), b = hash_file(folder_ / "b");
    EXPECT_EQ(a.data_sha256, hash_file(settled("data", data)).sha256);
    EXPECT_EQ(a.autov3, a.data_sha256.substr(0, 12));
    EXPECT_EQ(a.data_sha256, b.data_sha256);
    EXPECT_EQ(a.content, content_hash(SafeTensors::open(folder_ / "a")));
    EXPECT_EQ(a.content, b.content);
    EXPECT_NE(a.sha256, b.sha256);
    EXPECT_EQ(hash_file(folder_ / "a", {}, {.threads = 1}).data_sha256, a.data_sha256);
  }
}

// Tensors of all sizes, some without bytes, some across the borders of pieces.
TEST_F(Hashes, ContentOfManyTensors) {
  std::vector<NamedTensor> tensors;
  for (const std::int64_t size : {0, 1, 4'194'304, 0, 3, 5'000'000, 0, 7, 4'194'303})
    tensors.push_back({std::to_string(tensors.size()), Tensor::allocate(DType::U8, {size})});
  for (NamedTensor& t : tensors) std::fill_n(t.tensor.mutable_data(), t.tensor.bytes(), std::byte(t.name[0]));
  save(folder_ / "f", tensors);
  EXPECT_EQ(hash_file(folder_ / "f").content, content_hash(SafeTensors::open(folder_ / "f")));
  save(folder_ / "none", std::vector<NamedTensor>{{"a", Tensor::allocate(DType::U8, {0})}});
  EXPECT_EQ(hash_file(folder_ / "none").content, content_hash(SafeTensors::open(folder_ / "none")));
}

TEST_F(Hashes, AreRemembered) {
  const std::filesystem::path file = settled("f", "abc");
  EXPECT_EQ(hash(file), std::pair(std::string(kAbc), true));
  EXPECT_EQ(entries().size(), 1u);
  EXPECT_EQ(hash(file), std::pair(std::string(kAbc), false));
  EXPECT_EQ(hash(file, false), std::pair(std::string(kAbc), true));
  std::filesystem::create_symlink(file, folder_ / "link");
  EXPECT_FALSE(hash(folder_ / "link").second);
}

TEST_F(Hashes, OfAChangedFileAreComputedAgain) {
  const std::filesystem::path file = settled("f", "abd");
  hash(file);
  settled("f", "abc");
  set_age(file, std::chrono::hours(2));
  EXPECT_EQ(hash(file), std::pair(std::string(kAbc), true));
  settled("f", "");
  EXPECT_EQ(hash(file), std::pair(std::string(kEmpty), true));
}

// A file that was modified just now may be modified again within the same tick of its file system's clock.
TEST_F(Hashes, OfAFileInUseAreNotRemembered) {
  write_file(folder_ / "new", "abc");
  EXPECT_TRUE(hash(folder_ / "new").second);
  EXPECT_TRUE(hash(folder_ / "new").second);
  EXPECT_TRUE(entries().empty());
}

TEST_F(Hashes, DamagedEntriesAreIgnoredAndReplaced) {
  const std::filesystem::path file = settled("f", "abc");
  hash(file);
  const std::filesystem::path entry = entries().at(0);
  const std::string sound = read_file(entry);
  std::string lie = sound;
  lie[lie.find(kAbc)] = 'c';
  for (const std::string& damaged : {std::string(), sound.substr(0, sound.size() / 2), sound + "x", lie,
                                     std::string(100'000, '\0'), std::string("\n\n\n")}) {
    write_file(entry, damaged);
    EXPECT_EQ(hash(file), std::pair(std::string(kAbc), true));
    EXPECT_EQ(read_file(entry), sound);
  }
}

TEST_F(Hashes, WorkWithoutACache) {
  const std::filesystem::path file = settled("f", "abc");
  write_file(folder_ / "cache", "a file where the folder should be");
  EXPECT_TRUE(hash(file).second);
  EXPECT_TRUE(hash(file).second);
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  ::setenv("HOME", "", 1);
  EXPECT_EQ(hash(file), std::pair(std::string(kAbc), true));
}

TEST_F(Hashes, ManyAtOnce) {
  const std::filesystem::path file = settled("f", std::string(100'000, 'q'));
  const std::string expected = hash(file, false).first;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        EXPECT_EQ(hash_file(file, {}, {.threads = 1}).sha256, expected);
        std::error_code raced;
        std::filesystem::remove_all(cache_, raced);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Hashes, Failures) {
  EXPECT_ERROR(hash_file(folder_ / "none"), io, "No such file");
  EXPECT_ERROR(hash_file(folder_.path()), io, "a folder");
  CancelToken token;
  token.cancel();
  EXPECT_ERROR(hash_file(settled("f", "abc"), {}, {.cancel = &token}), cancelled, "");
  EXPECT_TRUE(entries().empty());
}

}  // namespace
}  // namespace safelight
