#include "core/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/available_memory.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "support/unprivileged.h"

namespace safelight {
namespace {

using test::TemporaryFolder;

std::string text(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TEST(MappedFile, HasTheFilesBytes) {
  const TemporaryFolder folder;
  test::write_file(folder / "f", "some bytes");
  EXPECT_EQ(text(*MappedFile::open(folder / "f")), "some bytes");
}

TEST(MappedFile, EmptyFile) {
  const TemporaryFolder folder;
  test::write_file(folder / "f", "");
  EXPECT_TRUE(MappedFile::open(folder / "f")->bytes().empty());
}

TEST(MappedFile, OutlivesTheFilesName) {
  const TemporaryFolder folder;
  test::write_file(folder / "f", "old");
  const auto file = MappedFile::open(folder / "f");
  std::filesystem::remove(folder / "f");
  EXPECT_EQ(text(*file), "old");
}

TEST(MappedFile, SaysWhyNot) {
  const TemporaryFolder folder;
  EXPECT_ERROR(MappedFile::open(folder / "none"), io, "No such file or directory");
  test::write_file(folder / "f", "x");
  EXPECT_ERROR(MappedFile::open(folder / "f" / "g"), io, "Not a directory");
  std::filesystem::create_symlink(folder / "loop", folder / "loop");
  EXPECT_ERROR(MappedFile::open(folder / "loop"), io, "symbolic links");
  EXPECT_ERROR(MappedFile::open(folder / "none\nnewline"), io, "none\\nnewline");
}

// All of it, a page within, less than a page: what comes back is the same.
TEST(MappedFile, ReleasedBytesComeBack) {
  constexpr std::size_t kBytes = std::size_t{32} << 20;
  const TemporaryFolder folder;
  test::write_file(folder / "f", std::string(kBytes, 'x'));
  const auto file = MappedFile::open(folder / "f");
  EXPECT_EQ(text(*file), std::string(kBytes, 'x'));
  const std::uint64_t before = resident_memory();
  file->release(0, kBytes);
  EXPECT_LT(resident_memory() + kBytes * 9 / 10, before);
  file->release(5000, 8192);
  file->release(100, 200);
  EXPECT_EQ(text(*file), std::string(kBytes, 'x'));
}

TEST(MappedFile, SaysThatPermissionIsDenied) {
  const TemporaryFolder folder;
  test::write_file(folder / "f", "x");
  ::chmod(folder.path().c_str(), 0755);
  ::chmod((folder / "f").c_str(), 0);
  const test::Unprivileged user;
  EXPECT_ERROR(MappedFile::open(folder / "f"), io, "Permission denied");
}

// A pipe without a writer would make open() wait for ever.
TEST(MappedFile, OnlyRegularFiles) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_ERROR(MappedFile::open(folder.path()), io, "is a folder");
  EXPECT_ERROR(MappedFile::open(folder / "pipe"), io, "is a pipe");
  EXPECT_ERROR(MappedFile::open("/dev/null"), io, "is a device");
}

}  // namespace
}  // namespace safelight
