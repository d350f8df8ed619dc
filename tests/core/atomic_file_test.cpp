#include "core/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <deque>

#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "support/unprivileged.h"

namespace safelight {
namespace {

using test::read_file;
using test::TemporaryFolder;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

void write_text(const std::filesystem::path& path, const std::string& text) {
  write_file_atomically(path, bytes_of(text));
}

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status {};
  ::stat(path.c_str(), &status);
  return status.st_mode & 07777u;
}

TEST(AtomicFile, WritesAndReplaces) {
  const TemporaryFolder folder;
  write_text(folder / "f", "one");
  EXPECT_EQ(read_file(folder / "f"), "one");
  write_text(folder / "f", "two");
  EXPECT_EQ(read_file(folder / "f"), "two");
  EXPECT_EQ(folder.files(), 1u);
}

// Pieces around the buffer's size keep their order.
TEST(AtomicFile, PiecesOfEverySize) {
  const TemporaryFolder folder;
  std::string expected;
  {
    AtomicFile file(folder / "f");
    for (const std::size_t size : {1u, 1u << 20, 0u, 3u, (1u << 20) + 1, (1u << 20) - 1, 2u, 5u}) {
      const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
      expected += piece;
      file.write(bytes_of(piece));
    }
    file.commit();
  }
  EXPECT_TRUE(read_file(folder / "f") == expected);
}

TEST(AtomicFile, WithoutCommitNothingChanges) {
  const TemporaryFolder folder;
  write_text(folder / "f", "old");
  {
    AtomicFile file(folder / "f");
    file.write(bytes_of(std::string(3 << 20, 'x')));
    EXPECT_EQ(folder.files(), 2u);
  }
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(AtomicFile, NewFileGetsTheUmasksMode) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_text(folder / "f", "x");
  ::umask(before);
  EXPECT_EQ(mode_of(folder / "f"), 0640u);
}

TEST(AtomicFile, ReplacedFileKeepsItsMode) {
  const TemporaryFolder folder;
  write_text(folder / "f", "x");
  ::chmod((folder / "f").c_str(), 0604);
  write_text(folder / "f", "y");
  EXPECT_EQ(mode_of(folder / "f"), 0604u);
}

TEST(AtomicFile, LinkStaysAndItsFileIsReplaced) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "real");
  write_text(folder / "real" / "f", "old");
  std::filesystem::create_symlink("real/f", folder / "link");
  write_text(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "real" / "f"), "new");
}

// As long as the folder is there, a link's file need not be.
TEST(AtomicFile, LinkToNothingStaysAndItsFileIsMade) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "real");
  std::filesystem::create_symlink("real/f", folder / "link");
  std::filesystem::create_symlink(folder / "link", folder / "link to a link");
  write_text(folder / "link to a link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link to a link"));
  EXPECT_EQ(read_file(folder / "real" / "f"), "new");
  std::filesystem::create_symlink("circle", folder / "circle");
  EXPECT_ERROR(AtomicFile(folder / "circle"), io, "not a regular file");
}

TEST(AtomicFile, SaysWhyNot) {
  const TemporaryFolder folder;
  EXPECT_ERROR(AtomicFile(folder / "none" / "f"), io, "No such file or directory");
  EXPECT_ERROR(AtomicFile(folder.path()), io, "not a regular file");
  EXPECT_ERROR(AtomicFile("/dev/null"), io, "not a regular file");
  EXPECT_ERROR(AtomicFile(""), io, "names no file");
  write_text(folder / "f", "x");
  EXPECT_ERROR(AtomicFile(folder / "f" / "g"), io, "Not a directory");
  EXPECT_ERROR(AtomicFile(folder / std::string(300, 'n')).commit(), io, "File name too long");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(AtomicFile, SaysThatPermissionIsDenied) {
  const TemporaryFolder folder;
  ::chmod(folder.path().c_str(), 0555);
  const test::Unprivileged user;
  EXPECT_ERROR(AtomicFile(folder / "f"), io, "Permission denied");
}

// The size limit of the process stands for a full disk: write() fails half-way in the same manner.
TEST(AtomicFile, FullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  write_text(folder / "f", "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = 3 << 20, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_ERROR(write_text(folder / "f", std::string(5 << 20, 'x')), io, "File too large");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(folder.files(), 1u);
}

// Pieces that begin and end anywhere in a block, some of them past the page cache.
TEST(AtomicFile, WritesAtAnyPlace) {
  const TemporaryFolder folder;
  std::string expected;
  for (std::size_t i = 0; i < (9u << 20) + 77; ++i) expected += static_cast<char>(i * 7 + i / 4096);
  for (const bool direct : {false, true}) {
    AtomicFile file(folder / "f");
    file.reserve(expected.size());
    if (direct) file.use_direct_writes();
    std::vector<std::size_t> cuts = {0, 1, 4096, 8191, (5u << 20) + 3, (5u << 20) + 4, (7u << 20), expected.size()};
    for (std::size_t i = cuts.size() - 1; i > 0; --i)
      file.write_at(cuts[i - 1], bytes_of(expected).subspan(cuts[i - 1], cuts[i] - cuts[i - 1]));
    std::string back(5000, ' ');
    file.read_at(1234, std::as_writable_bytes(std::span(back)));
    EXPECT_EQ(back, expected.substr(1234, 5000));
    const SaveReport report = file.commit();
    EXPECT_TRUE(report.atomic && report.durable && report.note.empty());
    EXPECT_TRUE(read_file(folder / "f") == expected);
  }
}

TEST(AtomicFile, ReservesWhatItWasTold) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "f");
  file.reserve(100'000);
  EXPECT_ERROR(file.reserve(UINT64_MAX / 2), io, "cannot reserve room on the disk for");
  file.commit(false);
  EXPECT_EQ(std::filesystem::file_size(folder / "f"), 100'000u);
}

TEST(AtomicFile, CommittedTogether) {
  const TemporaryFolder folder;
  write_text(folder / "b", "old");
  std::deque<AtomicFile> files;
  for (const char* name : {"a", "b", "index"}) files.emplace_back(folder / name).write(bytes_of(name));
  EXPECT_EQ(folder.files(), 4u);
  EXPECT_TRUE(commit_together(files, true).atomic);
  files.clear();
  for (const char* name : {"a", "b", "index"}) EXPECT_EQ(read_file(folder / name), name);
  EXPECT_EQ(folder.files(), 3u);
}

}  // namespace
}  // namespace safelight
