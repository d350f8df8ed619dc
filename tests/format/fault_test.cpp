// What remains of a file when the system fails, or the process is killed, at any moment of saving or editing it: the
// old file or the new one.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <optional>

#include "core/atomic_file.h"
#include "format/saved_letters.h"
#include "safelight/content_hash.h"
#include "safelight/edit_metadata.h"
#include "safelight/raw_header.h"
#include "safelight/writer.h"
#include "support/expect_error.h"
#include "support/faults.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::Failure;
using test::Fault;
using test::Faults;
using test::read_file;
using test::save_named;
using test::TemporaryFolder;
using test::tensors_of;
using ::testing::HasSubstr;

// The files of a folder by name.
using Files = std::map<std::string, std::string>;

Files read_folder(const std::filesystem::path& folder) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.emplace(entry.path().filename(), read_file(entry.path()));
  return files;
}

void write_folder(const std::filesystem::path& folder, const Files& files) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) std::filesystem::remove(entry.path());
  for (const auto& [name, bytes] : files) test::write_file(folder / name, bytes);
}

// A call that changes a folder: what is there before and after. Each case makes its own.
struct Case {
  std::string name;
  void (*prepare)(const std::filesystem::path& folder);
  void (*act)(const std::filesystem::path& folder);
};

const std::vector<Case> kCases = {
    {"new_file", [](const auto&) {}, [](const auto& f) { save_named(f / "m", "abc"); }},
    {"replaced_file", [](const auto& f) { save_named(f / "m", "ab"); },
     [](const auto& f) { save_named(f / "m", "abc"); }},
    {"with_hashes", [](const auto& f) { save_named(f / "m", "ab"); },
     [](const auto& f) { save_named(f / "m", "abc", {.hashes = true}); }},
    {"not_flushed", [](const auto& f) { save_named(f / "m", "ab"); },
     [](const auto& f) { save_named(f / "m", "abc", {.durable = false}); }},
    {"new_set", [](const auto&) {}, [](const auto& f) { save_named(f / "m", "abc", {.shard_bytes = 20'000}); }},
    {"replaced_set", [](const auto& f) { save_named(f / "m", "abc", {.shard_bytes = 20'000}); },
     [](const auto& f) { save_named(f / "m", "xyz", {.shard_bytes = 20'000}); }},
    {"edit_in_place", [](const auto& f) { save_named(f / "m", "ab", {.metadata_slack = 9000}); },
     [](const auto& f) {
       edit_metadata(f / "m", {.set = {{"k", std::string(8000, 'v')}}});
     }},
    {"edit_by_copy", [](const auto& f) { save_named(f / "m", "ab"); },
     [](const auto& f) {
       edit_metadata(f / "m", {.set = {{"k", std::string(8000, 'v')}}});
     }},
};

class EveryCall : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const TemporaryFolder scratch;
    GetParam().prepare(scratch.path());
    before_ = read_folder(scratch.path());
    GetParam().act(scratch.path());
    after_ = read_folder(scratch.path());
    ASSERT_NE(before_, after_);
  }

  // Does the act with one fault, on a fresh folder. The message of the error, if one came.
  std::optional<std::string> act(const Fault& fault) {
    write_folder(folder_.path(), before_);
    const Faults faults({fault});
    std::optional<std::string> error;
    try {
      GetParam().act(folder_.path());
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), ErrorCategory::io) << e.what();
      error = e.what();
    }
    happened_ = faults.happened();
    victim_ = faults.victim();
    return error;
  }

  TemporaryFolder folder_;
  Files before_, after_;
  bool happened_ = false;
  std::string victim_;
};

// An error leaves the old files or the new ones; without an error, it is the new ones. Nothing else is left behind,
// unless it is removing that failed.
TEST_P(EveryCall, Fails) {
  for (const int error : {EIO, ENOSPC}) {
    int calls = 0;
    do {
      ++calls;
      const std::optional<std::string> message = act({.at = calls, .error = error});
      Files now = read_folder(folder_.path());
      if (victim_.starts_with("unlink"))
        std::erase_if(now, [](const auto& file) { return file.first.find("safelight-") != std::string::npos; });
      const bool is_new = now == after_;
      EXPECT_TRUE(is_new || (message && now == before_))
          << "call " << calls << " (" << victim_ << ") failed; " << message.value_or("no error");
    } while (happened_ && calls < 1000);
    EXPECT_GT(calls, 8);
    EXPECT_LT(calls, 1000);
  }
}

// Calls that transfer less than they were asked to are gone on with.
TEST_P(EveryCall, TransfersHalf) {
  EXPECT_EQ(act({.always = true, .failure = Failure::shorten}), std::nullopt);
  EXPECT_TRUE(happened_);
  EXPECT_TRUE(read_folder(folder_.path()) == after_);
}

// The status with which a child process ends that does the act, an error or not.
int end_of_child(const std::filesystem::path& folder, const Case& test, const std::vector<Fault>& list) {
  const pid_t child = ::fork();
  if (child == 0) {
    const Faults faults(list);
    try {
      test.act(folder);
    } catch (const Error&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

// What a reader finds in the folder who knows our names: temporary files aside.
Files without_leftovers(Files files) {
  std::erase_if(files, [](const auto& file) { return file.first.starts_with(".safelight-"); });
  return files;
}

// A set of files is not replaced at one moment. While it is, there is no index, and what is there comes from one set:
// who opens the folder without an index finds that files are missing, never old and new ones together.
bool is_part_of_set(const Files& now, const Files& whole) {
  return whole.contains("m.index.json") && !now.contains("m.index.json") &&
         std::includes(whole.begin(), whole.end(), now.begin(), now.end());
}

// Killed before any of its calls: old or new, byte for byte, for every reader; then a look by the library leaves no
// journal.
TEST_P(EveryCall, Kills) {
  for (int calls = 1;; ++calls) {
    ASSERT_LT(calls, 1000);
    write_folder(folder_.path(), before_);
    const int status = end_of_child(folder_.path(), GetParam(), {{.at = calls, .failure = Failure::kill}});
    Files now = without_leftovers(read_folder(folder_.path()));
    now.erase(".m.safelight-journal");
    EXPECT_TRUE(now == before_ || now == after_ || is_part_of_set(now, before_) || is_part_of_set(now, after_))
        << "killed before call " << calls;
    if (now.contains("m")) {
      EXPECT_TRUE(check(folder_ / "m").valid);
      now = without_leftovers(read_folder(folder_.path()));
      EXPECT_TRUE(now == before_ || now == after_) << "after opening; killed before call " << calls;
    }
    if (WIFEXITED(status)) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, EveryCall, ::testing::ValuesIn(kCases), [](const auto& test) { return test.param.name; });

// A set whose third file cannot get its name. Killed while the old files come back: still no mixture.
TEST(FaultInSet, KilledWhilePuttingBack) {
  const TemporaryFolder folder;
  const Case& test = kCases[5];
  test.prepare(folder.path());
  const Files before = read_folder(folder.path());
  test.act(folder.path());
  const Files after = read_folder(folder.path());
  const Fault no_name = {.call = "renameat", .at = 7};  // four old files go aside, then two new ones come
  for (int calls = 1;; ++calls) {
    ASSERT_LT(calls, 1000);
    write_folder(folder.path(), before);
    const int status = end_of_child(folder.path(), test, {no_name, {.at = calls, .failure = Failure::kill}});
    const Files now = without_leftovers(read_folder(folder.path()));
    EXPECT_TRUE(now == before || is_part_of_set(now, before) || is_part_of_set(now, after))
        << "killed before call " << calls;
    if (!WIFEXITED(status)) continue;
    EXPECT_EQ(WEXITSTATUS(status), 1);
    EXPECT_EQ(read_folder(folder.path()), before);
    break;
  }
}

TEST(FaultInSet, SaysWhatCouldNotBePutBack) {
  const TemporaryFolder folder;
  const Case& test = kCases[5];
  test.prepare(folder.path());
  const Faults faults({{.call = "renameat", .at = 7}, {.call = "renameat", .at = 7}});
  EXPECT_ERROR(test.act(folder.path()), io, "old files that could not be put back: .safelight-");
  EXPECT_FALSE(std::filesystem::exists(folder / "m.index.json"));
}

// Somebody else's file in a sticky folder may not be renamed, although the file system can.
TEST(FaultInSet, AnOldFileThatMayNotGo) {
  const TemporaryFolder folder;
  const Case& test = kCases[5];
  test.prepare(folder.path());
  const Files before = read_folder(folder.path());
  const Faults faults({{.call = "renameat", .at = 2, .error = EPERM}});
  EXPECT_ERROR(test.act(folder.path()), io, "Operation not permitted");
  EXPECT_EQ(read_folder(folder.path()), before);
}

// The kernel stopped in the middle of writing the header: whoever looks at it finishes the edit.
TEST(FaultInEdit, HalfWrittenHeaderIsFinished) {
  const TemporaryFolder folder;
  const Case& edit = kCases[6];
  edit.prepare(folder.path());
  const std::string before = read_file(folder / "m");
  edit.act(folder.path());
  const std::string after = read_file(folder / "m");
  const std::vector<std::function<void()>> ways = {
      [&] { EXPECT_EQ(SafeTensors::open(folder / "m").metadata().at("k").size(), 8000u); },
      [&] { EXPECT_EQ(edit_metadata(folder / "m", {}).way, EditWay::unchanged); },
      [&] { EXPECT_THAT(read_raw_header(folder / "m").text, HasSubstr(std::string(8000, 'v'))); }};
  for (const auto& look : ways) {
    test::write_file(folder / "m", before);
    // The first pwrite is the journal's.
    end_of_child(folder.path(), edit, {{.call = "pwrite", .at = 2, .failure = Failure::tear}});
    const std::string torn = read_file(folder / "m");
    ASSERT_TRUE(torn != before && torn != after);
    ASSERT_TRUE(std::filesystem::exists(folder / ".m.safelight-journal"));
    look();
    EXPECT_TRUE(read_file(folder / "m") == after);
    EXPECT_EQ(folder.files(), 1u);
  }
}

// The journal holds what the file does.
TEST(FaultInEdit, JournalIsAsPrivateAsTheFile) {
  const TemporaryFolder folder;
  const Case& edit = kCases[6];
  for (const unsigned mode : {0600u, 0640u, 0666u}) {
    edit.prepare(folder.path());
    std::filesystem::permissions(folder / "m", std::filesystem::perms(mode));
    end_of_child(folder.path(), edit, {{.call = "pwrite", .at = 2, .failure = Failure::kill}});
    EXPECT_EQ(std::filesystem::status(folder / ".m.safelight-journal").permissions(),
              std::filesystem::perms(mode & 0644u));
    EXPECT_TRUE(check(folder / "m").valid);
    EXPECT_EQ(folder.files(), 1u);
  }
}

// A journal whose file was replaced meanwhile.
TEST(FaultInEdit, JournalOfAnotherFile) {
  const TemporaryFolder folder;
  const Case& edit = kCases[6];
  edit.prepare(folder.path());
  end_of_child(folder.path(), edit, {{.call = "pwrite", .at = 2, .failure = Failure::tear}});
  save_named(folder / "other", "cd", {.metadata_slack = 9000});
  const std::string other = read_file(folder / "other");
  std::filesystem::rename(folder / "other", folder / "m");
  EXPECT_EQ(SafeTensors::open(folder / "m").metadata().at("names"), "cd");
  EXPECT_TRUE(read_file(folder / "m") == other);
  EXPECT_EQ(folder.files(), 1u);
}

TEST(FaultInEdit, HalfWrittenAndUnwritable) {
  const TemporaryFolder folder;
  const Case& edit = kCases[6];
  edit.prepare(folder.path());
  end_of_child(folder.path(), edit, {{.call = "pwrite", .at = 2, .failure = Failure::tear}});
  const Faults faults({{.call = "pwrite", .always = true, .error = EROFS}});
  EXPECT_ERROR(SafeTensors::open(folder / "m"), io, "interrupted half-way");
}

// Both the header and putting it back failed: the message says who finishes it, and that happens.
TEST(FaultInEdit, CannotBePutBack) {
  const TemporaryFolder folder;
  const Case& edit = kCases[6];
  edit.prepare(folder.path());
  {
    const Faults faults({{.call = "pwrite", .at = 2}, {.call = "pwrite", .at = 2}});
    EXPECT_ERROR(edit.act(folder.path()), io, "the next opening of the file finishes the change");
  }
  EXPECT_EQ(SafeTensors::open(folder / "m").metadata().at("k").size(), 8000u);
}

TEST(FaultInEdit, FileSystemWithoutWritingInPlace) {
  const TemporaryFolder folder;
  const Case& edit = kCases[6];
  for (const Fault& fault :
       {Fault{.call = "pwrite", .at = 2, .error = ENOTSUP}, Fault{.call = "open", .error = EPERM}}) {
    edit.prepare(folder.path());
    const Faults faults({fault});
    EXPECT_NE(edit_metadata(folder / "m", {.set = {{"k", "v"}}}).way, EditWay::in_place);
    EXPECT_TRUE(faults.happened());
    EXPECT_EQ(folder.files(), 1u);
  }
}

// Without reflink, without copy_file_range, without both: the same file.
TEST(FaultInEdit, EveryWayOfCopying) {
  const TemporaryFolder folder;
  const Case& edit = kCases[7];
  edit.prepare(folder.path());
  const std::string before = read_file(folder / "m");
  edit.act(folder.path());
  const std::string after = read_file(folder / "m");
  const Fault no_reflink = {.call = "ioctl", .always = true, .error = ENOTSUP};
  const Fault no_kernel_copy = {.call = "copy_file_range", .always = true, .error = EXDEV};
  const MetadataEdits edits = {.set = {{"k", std::string(8000, 'v')}}};
  for (const bool in_kernel : {true, false}) {
    test::write_file(folder / "m", before);
    const Faults faults(in_kernel ? std::vector{no_reflink} : std::vector{no_reflink, no_kernel_copy});
    const EditWay way = edit_metadata(folder / "m", edits).way;
    EXPECT_TRUE(way == EditWay::copy || (in_kernel && way == EditWay::kernel_copy)) << name(way);
    EXPECT_TRUE(read_file(folder / "m") == after);
  }
}

// Past the page cache: errors are errors, short writes are gone on with, and where it is not to be had the page cache
// takes over.
TEST(FaultInDirectWrite, ErrorsAndShortWrites) {
  const TemporaryFolder folder;
  const std::string text(5'000'001, 'x');
  const auto write = [&] {
    AtomicFile file(folder / "f");
    file.use_direct_writes();
    file.write_at(3, std::as_bytes(std::span(text)));
    file.commit();
  };
  const auto written = [&] { return read_file(folder / "f") == std::string(3, '\0') + text; };
  for (const Fault& fault :
       {Fault{.call = "pwrite", .error = EINVAL}, Fault{.call = "pwrite", .at = 2, .error = EINVAL},
        Fault{.call = "pwrite", .always = true, .failure = Failure::shorten}, Fault{.call = "openat", .at = 2}}) {
    std::filesystem::remove(folder / "f");
    const Faults faults({fault});
    write();
    EXPECT_TRUE(faults.happened());
    EXPECT_TRUE(written());
  }
  for (const int at : {1, 2, 3, 4}) {
    const Faults faults({{.call = "pwrite", .at = at, .error = ENOSPC}});
    EXPECT_ERROR(write(), io, "No space left on device");
    EXPECT_TRUE(written());  // the old one
    EXPECT_EQ(folder.files(), 1u);
  }
}

}  // namespace
}  // namespace safelight
