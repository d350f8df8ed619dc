// The SHA-256 of a model's file, computed beside other work.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/file_descriptor.h"
#include "core/sha256.h"
#include "format/hash_cache.h"
#include "safelight/context.h"

namespace safelight {

// Starts at once, in a thread that runs only while a core is idle; what is left when the hash is asked for is computed
// then, at full speed. So a checkpoint of 2 GB (5 s on one core) delays neither the first step nor, mostly, the last.
// Reads the file rather than mapping it, so that its pages do not count twice as this process's memory. What the cache
// of safelight/hash.h knows is not computed again, and what is computed is put there.
class BackgroundHash {
 public:
  explicit BackgroundHash(const std::filesystem::path& path);
  ~BackgroundHash() = default;  // stops
  BackgroundHash(const BackgroundHash&) = delete;
  BackgroundHash& operator=(const BackgroundHash&) = delete;

  // 64 lower-case hexadecimal digits, or nothing if the file can no longer be read. Throws Error(cancelled).
  const std::string& hex(const Context& context);

 private:
  void look_up();
  bool hash_piece();  // false at the end of the file
  void remember() const;

  std::filesystem::path path_;
  FileDescriptor file_;
  std::optional<FileStamp> stamp_;
  std::uint64_t offset_ = 0;
  bool failed_ = false, finished_ = false;
  std::vector<std::byte> buffer_;
  Sha256 sha256_;
  std::string hex_;
  std::jthread thread_;  // last: it uses all others
};

}  // namespace safelight
