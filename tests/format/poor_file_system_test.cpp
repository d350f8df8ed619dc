// File systems that cannot rename, flush, reserve or lock, as mounts of object stores: what can be done is done, and
// the report says what was not.
#include <gmock/gmock.h>

#include <cerrno>

#include "format/saved_letters.h"
#include "safelight/edit_metadata.h"
#include "support/expect_error.h"
#include "support/faults.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::Faults;
using test::read_file;
using test::save_named;
using test::TemporaryFolder;
using test::tensors_of;
using ::testing::HasSubstr;

class PoorFileSystem : public ::testing::Test {
 protected:
  void SetUp() override { save_named(folder_ / "m", "ab"); }

  SaveReport save_again(const SaveOptions& options = {}) {
    return save(folder_ / "m", tensors_of("abc", 2'000'000), {}, options, {.threads = 1});
  }
  void expect_new() {
    EXPECT_EQ(SafeTensors::open(folder_ / "m").tensors().size(), 3u);
    EXPECT_EQ(folder_.files(), 1u);
  }

  TemporaryFolder folder_;
};

TEST_F(PoorFileSystem, WithoutRename) {
  for (const int error : {EPERM, ENOSYS, EINVAL, EXDEV, ENOTSUP}) {
    const Faults faults({{.call = "renameat", .always = true, .error = error}});
    const SaveReport report = save_again();
    EXPECT_FALSE(report.atomic);
    EXPECT_TRUE(report.durable);
    EXPECT_THAT(report.note, HasSubstr("cannot rename"));
    EXPECT_THAT(report.note, HasSubstr("written in place"));
    expect_new();
  }
}

// The old file is gone then, but nothing is lost.
TEST_F(PoorFileSystem, WithoutRenameAndThenFull) {
  const Faults faults(
      {{.call = "renameat", .always = true, .error = EPERM}, {.call = "pwrite", .at = 5, .error = ENOSPC}});
  std::string message;
  try {
    save_again();
  } catch (const Error& e) {
    message = e.what();
  }
  EXPECT_THAT(message, HasSubstr("its complete new contents are in .safelight-"));
  const std::size_t at = message.find(".safelight-");
  const std::filesystem::path kept = folder_ / message.substr(at, message.find(".tmp") + 4 - at);
  EXPECT_EQ(SafeTensors::open(kept).tensors().size(), 3u);
}

// Nor may it be removed: it stays, and nothing else does.
TEST_F(PoorFileSystem, AnOldFileThatMayNotGo) {
  const std::string before = read_file(folder_ / "m");
  const Faults faults(
      {{.call = "renameat", .always = true, .error = EPERM}, {.call = "unlinkat", .at = 1, .error = EPERM}});
  EXPECT_ERROR(save_again(), io, "cannot replace");
  EXPECT_TRUE(read_file(folder_ / "m") == before);
  EXPECT_EQ(folder_.files(), 1u);
}

// The file has its new name then.
TEST_F(PoorFileSystem, FolderThatCannotBeFlushed) {
  const Faults faults({{.call = "fsync", .at = 2}});
  const SaveReport report = save_again();
  EXPECT_TRUE(report.atomic);
  EXPECT_FALSE(report.durable);
  EXPECT_THAT(report.note, HasSubstr("flushing the folder failed (Input/output error)"));
  expect_new();
}

TEST_F(PoorFileSystem, SetWithoutRename) {
  const Faults faults({{.call = "renameat", .always = true, .error = ENOSYS}});
  const TemporaryFolder folder;
  const SaveReport report = save(folder / "s", tensors_of("abc", 1000), {}, {.shard_bytes = 1000});
  EXPECT_FALSE(report.atomic);
  EXPECT_EQ(report.note.find("written in place"), report.note.rfind("written in place"));
  EXPECT_EQ(folder.files(), 4u);
  EXPECT_TRUE(check(folder / "s-00002-of-00003").valid);
}

TEST_F(PoorFileSystem, WithoutFlush) {
  for (const int error : {ENOSYS, EINVAL, ENOTSUP}) {
    const Faults faults({{.call = "fsync", .always = true, .error = error}});
    const SaveReport report = save_again();
    EXPECT_TRUE(report.atomic);
    EXPECT_FALSE(report.durable);
    EXPECT_THAT(report.note, HasSubstr("cannot flush files"));
    expect_new();
    const EditReport edit = edit_metadata(folder_ / "m", {.set = {{"k", std::to_string(error)}}});
    EXPECT_FALSE(edit.save.durable);
    EXPECT_THAT(edit.save.note, HasSubstr("cannot flush"));
  }
}

TEST_F(PoorFileSystem, WithoutReservingAndModesAndLocks) {
  const Faults faults({{.call = "fallocate", .always = true, .error = ENOTSUP},
                       {.call = "fchmod", .always = true, .error = EPERM},
                       {.call = "flock", .always = true, .error = ENOLCK}});
  EXPECT_EQ(save_again().note, "");
  expect_new();
  EXPECT_EQ(edit_metadata(folder_ / "m", {.set = {{"k", "v"}}}).save.note, "");
  EXPECT_EQ(SafeTensors::open(folder_ / "m").metadata().at("k"), "v");
}

TEST_F(PoorFileSystem, NotAskedToFlushDoesNot) {
  const Faults faults({{.call = "fsync", .always = true}});
  const SaveReport report = save_again({.durable = false});
  EXPECT_FALSE(report.durable);
  EXPECT_EQ(report.note, "");
  EXPECT_FALSE(faults.happened());
}

}  // namespace
}  // namespace safelight
