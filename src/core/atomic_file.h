// A file that appears whole or not at all.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/file_descriptor.h"

namespace safelight {

// Writes to a temporary file in the folder of `path`, and puts it in the place of `path` on commit(). Until then, and
// on any failure, a file that was there before stays as it is; without commit() nothing is left behind (only a process
// that is killed leaves its temporary file, ".safelight-*.tmp"). A file that is mapped somewhere may be replaced: the
// mapping keeps the old bytes.
// A new file gets the mode that the umask gives, a replaced one keeps its own. A symbolic link stays; the file that it
// points to is replaced.
class AtomicFile {
 public:
  // Throws Error(io): no such folder, not writable, or `path` is a folder, a pipe, a device.
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Appends, small pieces through a buffer. Throws Error(io): disk full, ...
  void write(std::span<const std::byte> bytes);

  // Flushes to the disk, renames, and flushes the folder. Throws Error(io). REQUIRES: not yet committed.
  void commit();

 private:
  [[noreturn]] void fail_to(const char* action) const;
  void create_temporary(mode_t mode);
  void write_through(std::span<const std::byte> bytes);
  void flush();

  std::filesystem::path path_;  // as given, for messages
  FileDescriptor folder_;
  std::string name_;       // in folder_
  std::string temporary_;  // in folder_; empty once renamed
  FileDescriptor file_;
  std::vector<std::byte> buffer_;
};

// The same in one call.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace safelight
