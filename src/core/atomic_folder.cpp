#include "core/atomic_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "core/fail.h"
#include "core/file_descriptor.h"
#include "core/file_operations.h"
#include "core/printable.h"

namespace safelight {
namespace {

// "out/" names the folder "out".
std::filesystem::path without_slash(const std::filesystem::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

bool is_empty_folder(const std::filesystem::path& path) {
  std::error_code failed;
  return std::filesystem::is_directory(path, failed) && std::filesystem::is_empty(path, failed) && !failed;
}

}  // namespace

AtomicFolder::AtomicFolder(const std::filesystem::path& path) : path_(without_slash(path)) {
  std::error_code unknown;
  const bool exists = std::filesystem::exists(std::filesystem::symlink_status(path_, unknown));
  if (path_.empty() || (exists && !is_empty_folder(path_)))
    fail(ErrorCategory::io, "[folder] {} is there already; expected a new or an empty folder",
         printable(path.native()));
  // A link to an empty folder, or ".", cannot be renamed over: what it means can.
  if (exists) path_ = std::filesystem::canonical(path_);
  std::filesystem::path temporary;
  int made = 0;
  do {
    temporary = parent_of(path_) / hidden_name("tmp");
    made = ::mkdir(temporary.c_str(), 0777);
  } while (made != 0 && errno == EEXIST);
  if (made != 0) fail_to("make");
  temporary_ = temporary;
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail_to("put in place");
  temporary_.clear();
  const FileDescriptor folder(::open(parent_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || (retry_interrupted([&] { return ::fsync(folder.get()); }) != 0 && !is_unsupported(errno)))
    fail_to("flush the folder of");
}

void AtomicFolder::fail_to(const char* action) const {
  fail(ErrorCategory::io, "[folder] cannot {} {}: {}", action, printable(path_.native()), std::strerror(errno));
}

}  // namespace safelight
