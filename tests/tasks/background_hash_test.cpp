#include "tasks/background_hash.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "safelight/error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

// What `sha256sum` says.
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kManyZeros = "f8307a5ba337392fbe6dde976f92e6ecafbe0e1248e54015e0ee5d13db49e0cc";

TEST(BackgroundHash, IsTheSha256OfTheFile) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "empty", "");
  test::write_file(folder / "abc", "abc");
  EXPECT_EQ(BackgroundHash(folder / "empty").hex({}), kEmpty);
  BackgroundHash abc(folder / "abc");
  EXPECT_EQ(abc.hex({}), kAbc);
  EXPECT_EQ(abc.hex({}), kAbc);
}

TEST(BackgroundHash, OfManyPiecesInAnyDivisionOfTheWork) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "zeros", std::string(9'999'999, '\0'));
  for (const int milliseconds : {0, 1, 20}) {
    BackgroundHash hash(folder / "zeros");
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    EXPECT_EQ(hash.hex({}), kManyZeros) << milliseconds;
  }
}

// The file is exchanged behind the cache's back, with the same size and time: what comes is remembered.
TEST(BackgroundHash, IsRememberedForTheNextTime) {
  const test::TemporaryFolder folder;
  ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  const auto an_hour_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  for (const char* content : {"abc", "xyz"}) {
    test::write_file(folder / "f", content);
    std::filesystem::last_write_time(folder / "f", an_hour_ago);
    EXPECT_EQ(BackgroundHash(folder / "f").hex({}), kAbc) << content;
  }
  test::write_file(folder / "f", "");
  EXPECT_EQ(BackgroundHash(folder / "f").hex({}), kEmpty);
}

TEST(BackgroundHash, OfAFileThatIsGoneIsNothing) { EXPECT_EQ(BackgroundHash("/no/such/file").hex({}), ""); }

TEST(BackgroundHash, CanBeCancelled) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "zeros", std::string(300'000'000, '\0'));
  CancelToken token;
  token.cancel();
  BackgroundHash hash(folder / "zeros");
  EXPECT_THROW(hash.hex({.cancel = &token}), Error);
}

}  // namespace
}  // namespace safelight
