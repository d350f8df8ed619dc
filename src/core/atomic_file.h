// A file that appears whole or not at all.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/direct_writer.h"
#include "core/file_descriptor.h"
#include "core/write_pace.h"
#include "safelight/save_report.h"

namespace safelight {

// Writes to a temporary file in the folder of `path`, and puts it in the place of `path` on commit(). Until then, and
// on any error, a file that was there before stays as it is; without commit() nothing is left behind (only a process
// that is killed leaves its temporary file, ".safelight-*.tmp"). A file that is mapped somewhere may be replaced: the
// mapping keeps the old bytes.
// A new file gets the mode that the umask gives, a replaced one keeps its own. A symbolic link stays; the file that it
// points to is replaced, or made.
// Where the file system cannot rename (object-store mounts), the finished temporary file is copied to its place
// instead; where it cannot flush, it is not flushed. The report says so.
class AtomicFile {
 public:
  // Throws Error(io): no such folder, not writable, or `path` is a folder, a pipe, a device.
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends, small pieces through a buffer. Throws Error(io): disk full, ...
  void write(std::span<const std::byte> bytes);

  // Makes the file this long and takes the room on the disk, where the file system can: a full disk is then known
  // before the work. Throws Error(io).
  void reserve(std::uint64_t bytes);

  // From now on, write_at() goes past the page cache where that is possible: for large files that are flushed anyway.
  // With `if_faster`, it tries both ways and goes on with the faster.
  void use_direct_writes(bool if_faster = false);

  // Writes at a place, from any thread. Not to be mixed with write(). Throws Error(io).
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);

  // What was written at a place. Throws Error(io).
  void read_at(std::uint64_t offset, std::span<std::byte> bytes) const;

  // The temporary file's, for system calls that write by themselves.
  int descriptor() const noexcept { return file_.get(); }

  // Flushes to the disk, renames, and flushes the folder; without `durable` only renames. Throws Error(io); that the
  // folder could not be flushed is no error, but told in the report.
  // REQUIRES: not yet committed.
  SaveReport commit(bool durable = true);

 private:
  friend SaveReport commit_together(std::deque<AtomicFile>& files, bool durable);

  [[noreturn]] void fail_to(const char* action) const;
  void create_temporary(mode_t mode);
  void write_through(std::span<const std::byte> bytes);
  void write_part(std::uint64_t offset, std::span<const std::byte> bytes, bool directly);
  void flush();

  // The steps of a commit.
  void seal(bool durable, SaveReport& report);
  void set_aside();
  void publish(SaveReport& report);
  void copy_into_place(int why_not_renamed, SaveReport& report);
  void flush_folder(bool durable, SaveReport& report) const;
  bool can_rename();
  void withdraw() noexcept;
  bool take_back() noexcept;  // false: the old file stays under its name aside
  void drop_aside() noexcept;
  static std::string put_back(std::deque<AtomicFile>& files);

  std::filesystem::path path_;  // as given, for messages
  FileDescriptor folder_;
  std::string name_;       // in folder_
  std::string temporary_;  // in folder_; empty once renamed
  std::string aside_;      // in folder_: the old file while a set is committed
  bool published_ = false;
  FileDescriptor file_;
  DirectWriter direct_;
  std::optional<WritePace> pace_;  // where it is not settled whether to write directly
  std::vector<std::byte> buffer_;
};

// Commits files of one folder that belong together, the last of which names the others. All are finished before the
// first takes its place; all old files go away, the last file first, before the first new one comes, the last file
// last: no reader finds old and new ones side by side, whether he begins with the last file or lists the folder. On
// failure all old files are put back, or the error names those that could not be. A process that is killed in these few
// milliseconds leaves old files as ".safelight-*.old".
SaveReport commit_together(std::deque<AtomicFile>& files, bool durable);

// One small file in one call.
SaveReport write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace safelight
