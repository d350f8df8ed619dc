#include "core/atomic_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>
#include <system_error>

#include "core/fail.h"
#include "core/file_descriptor.h"
#include "core/printable.h"

namespace safelight {
namespace {

// "out/" names the folder "out".
std::filesystem::path without_slash(const std::filesystem::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

bool is_empty_folder(const std::filesystem::path& path) {
  std::error_code failed;
  return std::filesystem::is_directory(path, failed) && std::filesystem::is_empty(path, failed) && !failed;
}

}  // namespace

AtomicFolder::AtomicFolder(const std::filesystem::path& path) : path_(without_slash(path)) {
  std::error_code unknown;
  if (path_.empty() ||
      (std::filesystem::exists(std::filesystem::symlink_status(path_, unknown)) && !is_empty_folder(path_)))
    fail(ErrorCategory::io, "[folder] {} is there already; expected a new or an empty folder",
         printable(path.native()));
  std::random_device random;
  const std::filesystem::path parent = path_.has_parent_path() ? path_.parent_path() : ".";
  std::filesystem::path temporary;
  do {
    temporary = parent / fmt::format(".safelight-{:08x}{:08x}.tmp", random(), random());
  } while (::mkdir(temporary.c_str(), 0777) != 0 && errno == EEXIST);
  struct stat made {};
  if (::stat(temporary.c_str(), &made) != 0) fail_to("make");
  temporary_ = temporary;
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail_to("put in place");
  temporary_.clear();
  const std::filesystem::path parent = path_.has_parent_path() ? path_.parent_path() : ".";
  const FileDescriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot flush a folder and say so with EINVAL.
  if (!folder || (::fsync(folder.get()) != 0 && errno != EINVAL)) fail_to("flush the folder of");
}

void AtomicFolder::fail_to(const char* action) const {
  fail(ErrorCategory::io, "[folder] cannot {} {}: {}", action, printable(path_.native()), std::strerror(errno));
}

}  // namespace safelight
