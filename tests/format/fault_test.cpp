// What remains of a file when the system fails, or the process is killed, at any moment of saving or editing it: the
// old file or the new one.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include "core/atomic_file.h"
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
using test::TemporaryFolder;
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

std::vector<PendingTensor> tensors_of(const std::string& names, std::int64_t bytes) {
  std::vector<PendingTensor> list;
  for (const char name : names)
    list.push_back({std::string(1, name), DType::U8, {bytes}, [name, bytes] {
                      Tensor t = Tensor::allocate(DType::U8, {bytes});
                      std::fill_n(t.mutable_data(), bytes, static_cast<std::byte>(name));
                      return t;
                    }});
  return list;
}

void save_named(const std::filesystem::path& path, const std::string& names, const SaveOptions& options = {}) {
  save(path, tensors_of(names, 20'000), {{"names", names}}, options, {.threads = 2});
}

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

// How often a process is killed at a random moment; SAFELIGHT_KILL_ROUNDS=200 for a thorough look.
int kill_rounds() {
  const char* text = std::getenv("SAFELIGHT_KILL_ROUNDS");
  return text ? std::atoi(text) : 20;
}

// Runs `loop` in child processes that are killed at random moments, and `inspect` after each. The child's loop begins
// once `ready` is there.
template <class Loop, class Inspect>
void kill_at_random(const std::filesystem::path& ready, Loop loop, Inspect inspect) {
  std::mt19937 random(7);
  for (int round = 0; round < kill_rounds(); ++round) {
    std::filesystem::remove(ready);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      test::write_file(ready, "");
      for (;;) loop();
    }
    while (!std::filesystem::exists(ready)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    inspect();
  }
}

TEST(Killed, WhileSaving) {
  const TemporaryFolder folder, apart;
  const SaveOptions hashes = {.hashes = true};
  save_named(folder / "m", "ab", hashes);
  kill_at_random(
      apart / "ready",
      [&] {
        save(folder / "m", tensors_of("abc", 300'000), {}, hashes, {.threads = 2});
        save_named(folder / "m", "ab", hashes);
      },
      [&] { EXPECT_TRUE(verify(SafeTensors::open(folder / "m")).matches); });
}

TEST(Killed, WhileSavingASet) {
  const TemporaryFolder folder, apart;
  const auto save_set = [&](const std::string& names) {
    save_named(folder / "m", names, {.hashes = true, .shard_bytes = 20'000});
  };
  save_set("abc");
  kill_at_random(
      apart / "ready",
      [&] {
        save_set("xyz");
        save_set("abc");
      },
      [&] {
        std::string names;
        for (const char* shard : {"m-00001-of-00003", "m-00002-of-00003", "m-00003-of-00003"}) {
          if (!std::filesystem::exists(folder / shard)) continue;
          const SafeTensors file = SafeTensors::open(folder / shard);
          EXPECT_TRUE(verify(file).matches);
          names += file.tensors()[0].name;
        }
        EXPECT_TRUE(std::string_view("abc").starts_with(names) || std::string_view("xyz").starts_with(names)) << names;
        if (std::filesystem::exists(folder / "m.index.json")) {
          EXPECT_EQ(names.size(), 3u);
        }
      });
}

TEST(Killed, WhileEditing) {
  const TemporaryFolder folder, apart;
  const auto edit = [&](char value) {
    edit_metadata(folder / "m", {.set = {{"k", std::string(20'000, value)}}}, {.durable = false});
  };
  save_named(folder / "m", "ab", {.metadata_slack = 30'000, .hashes = true});
  edit('1');
  kill_at_random(
      apart / "ready",
      [&] {
        edit('2');
        edit('1');
      },
      [&] {
        const SafeTensors file = SafeTensors::open(folder / "m");
        const std::string& value = file.metadata().at("k");
        EXPECT_TRUE(value == std::string(20'000, '1') || value == std::string(20'000, '2'));
        EXPECT_TRUE(verify(file).matches);
        EXPECT_EQ(folder.files(), 1u);
      });
}

}  // namespace
}  // namespace safelight
