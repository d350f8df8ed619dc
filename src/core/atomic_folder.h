// A folder of files that appears whole or not at all.
#pragma once

#include <filesystem>

namespace safelight {

// Files go into a temporary folder beside `path`, which commit() puts in its place. Without commit() nothing is left
// behind (only a process that is killed leaves its temporary folder, ".safelight-*.tmp").
class AtomicFolder {
 public:
  // Throws Error(io): `path` is there and is no empty folder, its parent is missing or cannot be written to.
  explicit AtomicFolder(const std::filesystem::path& path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  // Where the files go until then.
  const std::filesystem::path& folder() const noexcept { return temporary_; }

  // Throws Error(io), also where the file system cannot rename folders; if it "cannot flush the folder of" it, it is in
  // its place but may not outlast a power loss. REQUIRES: not yet committed, and the files in it are flushed to the
  // disk.
  void commit();

 private:
  [[noreturn]] void fail_to(const char* action) const;

  std::filesystem::path path_, temporary_;  // the latter empty once renamed
};

}  // namespace safelight
