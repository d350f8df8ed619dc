#include "core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>

#include "core/fail.h"
#include "core/mapping_guard.h"
#include "core/printable.h"

namespace safelight {
namespace {

// Linux writes at most 2^31 - 4096 bytes per call.
constexpr std::size_t kLargestWrite = std::size_t{1} << 30;

// A checkpoint may have 100,000 tensors of a few bytes; a system call for each would cost more than the copy.
constexpr std::size_t kBuffer = std::size_t{1} << 20;

std::filesystem::path without_links(const std::filesystem::path& path) {
  std::error_code missing;
  std::filesystem::path real = std::filesystem::canonical(path, missing);
  return missing ? path : real;
}

template <class Call>
auto retry_interrupted(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  const std::filesystem::path real = without_links(path);
  const std::filesystem::path folder = real.has_parent_path() ? real.parent_path() : ".";
  name_ = real.filename().native();
  if (name_.empty()) fail(ErrorCategory::io, "[file] \"{}\" names no file to write", printable(path.native()));
  folder_ = FileDescriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder_) fail_to("open the folder of");
  struct stat old {};
  mode_t mode = 0;
  if (::fstatat(folder_.get(), name_.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISREG(old.st_mode))
      mode = old.st_mode & 0777u;
    else if (!S_ISLNK(old.st_mode))
      fail(ErrorCategory::io, "[file] cannot write {}: it is there already and not a regular file",
           printable(path.native()));
  }
  create_temporary(mode);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

// mode = 0: what the umask gives.
void AtomicFile::create_temporary(mode_t mode) {
  std::random_device random;
  do {
    temporary_ = fmt::format(".safelight-{:08x}{:08x}.tmp", random(), random());
    file_ = FileDescriptor(
        ::openat(folder_.get(), temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  } while (!file_ && errno == EEXIST);
  if (!file_) {
    temporary_.clear();
    fail_to("write to the folder of");
  }
  // Some network file systems have no modes to set; the file is worth more than its mode.
  if (mode != 0) static_cast<void>(::fchmod(file_.get(), mode));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() > kBuffer)
    write_through(bytes);
  else
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void AtomicFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void AtomicFile::write_through(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        retry_interrupted([&] { return ::write(file_.get(), bytes.data(), std::min(bytes.size(), kLargestWrite)); });
    if (written < 0) fail_to("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  flush();
  check_all_mappings();  // what was written may come from them
  if (retry_interrupted([&] { return ::fsync(file_.get()); }) != 0) fail_to("flush");
  if (::close(file_.release()) != 0 && errno != EINTR) fail_to("close");
  if (::renameat(folder_.get(), temporary_.c_str(), folder_.get(), name_.c_str()) != 0) fail_to("replace");
  temporary_.clear();
  // Some file systems cannot flush a folder and say so with EINVAL.
  if (retry_interrupted([&] { return ::fsync(folder_.get()); }) != 0 && errno != EINVAL) fail_to("flush the folder of");
}

void AtomicFile::fail_to(const char* action) const {
  fail(ErrorCategory::io, "[file] cannot {} {}: {}", action, printable(path_.native()), std::strerror(errno));
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace safelight
