#undef _FORTIFY_SOURCE  // its inline wrappers have the names that are defined here
#include "support/faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <mutex>

namespace safelight::test {
namespace {

struct Rule {
  Fault fault;
  int calls = 0;  // seen so far
};

std::mutex mutex;
std::vector<Rule> rules;
std::string last_victim;

// The fault that happens to this call, if one does.
const Fault* fault_for(const char* call) {
  const std::lock_guard lock(mutex);
  for (Rule& rule : rules) {
    if (!rule.fault.call.empty() && rule.fault.call != call) continue;
    if (++rule.calls != rule.fault.at && !rule.fault.always) continue;
    last_victim = call;
    if (rule.fault.failure == Failure::kill) ::raise(SIGKILL);
    return &rule.fault;
  }
  return nullptr;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// A call that succeeds or fails as a whole.
template <class Function, class... Args>
auto whole(const char* name, Args... args) {
  static Function* const real = next<Function>(name);
  if (const Fault* fault = fault_for(name); fault && fault->failure == Failure::error) {
    errno = fault->error;
    return static_cast<decltype(real(args...))>(-1);
  }
  return real(args...);
}

// One that transfers `count` bytes; `transfer` does it with another count.
template <class Transfer>
ssize_t partial(const char* name, std::size_t count, Transfer transfer) {
  const Fault* fault = fault_for(name);
  if (!fault) return transfer(count);
  if (fault->failure == Failure::error) {
    errno = fault->error;
    return -1;
  }
  const ssize_t done = transfer(std::max<std::size_t>(count / 2, count > 0 ? 1 : 0));
  if (fault->failure == Failure::tear) ::raise(SIGKILL);
  return done;
}

mode_t mode_argument(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

Faults::Faults(std::vector<Fault> faults) {
  const std::lock_guard lock(mutex);
  rules.clear();
  for (Fault& fault : faults) rules.push_back({std::move(fault)});
  last_victim.clear();
}

Faults::~Faults() {
  const std::lock_guard lock(mutex);
  rules.clear();
}

bool Faults::happened() const { return !victim().empty(); }

std::string Faults::victim() const {
  const std::lock_guard lock(mutex);
  return last_victim;
}

}  // namespace safelight::test

using safelight::test::Failure;
using safelight::test::Fault;
using safelight::test::fault_for;
using safelight::test::mode_argument;
using safelight::test::next;
using safelight::test::partial;
using safelight::test::whole;

// The C library's names and types. noexcept is part of some of their declarations.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return whole<int(const char*, int, mode_t)>("open", path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return whole<int(int, const char*, int, mode_t)>("openat", folder, path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  static auto* const real = next<ssize_t(int, const void*, size_t)>("write");
  return partial("write", count, [&](size_t part) { return real(fd, bytes, part); });
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return partial("pwrite", count, [&](size_t part) { return real(fd, bytes, part, offset); });
}

ssize_t read(int fd, void* bytes, size_t count) {
  static auto* const real = next<ssize_t(int, void*, size_t)>("read");
  return partial("read", count, [&](size_t part) { return real(fd, bytes, part); });
}

ssize_t pread(int fd, void* bytes, size_t count, off_t offset) {
  static auto* const real = next<ssize_t(int, void*, size_t, off_t)>("pread");
  return partial("pread", count, [&](size_t part) { return real(fd, bytes, part, offset); });
}

ssize_t copy_file_range(int from, off_t* from_offset, int to, off_t* to_offset, size_t count, unsigned flags) {
  static auto* const real = next<ssize_t(int, off_t*, int, off_t*, size_t, unsigned)>("copy_file_range");
  return partial("copy_file_range", count,
                 [&](size_t part) { return real(from, from_offset, to, to_offset, part, flags); });
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return whole<int(int, unsigned long, void*)>("ioctl", fd, request, argument);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  return whole<int(int, int, off_t, off_t)>("fallocate", fd, mode, offset, length);
}

int fsync(int fd) { return whole<int(int)>("fsync", fd); }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // there is a struct of this name, too
int flock(int fd, int operation) noexcept { return whole<int(int, int)>("flock", fd, operation); }
#pragma GCC diagnostic pop

int fchmod(int fd, mode_t mode) noexcept { return whole<int(int, mode_t)>("fchmod", fd, mode); }

int fstat(int fd, struct stat* status) noexcept { return whole<int(int, struct stat*)>("fstat", fd, status); }

int fstatat(int folder, const char* path, struct stat* status, int flags) noexcept {
  return whole<int(int, const char*, struct stat*, int)>("fstatat", folder, path, status, flags);
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return whole<int(int, const char*, int, const char*)>("renameat", from_folder, from, to_folder, to);
}

int unlink(const char* path) noexcept { return whole<int(const char*)>("unlink", path); }

int unlinkat(int folder, const char* path, int flags) noexcept {
  return whole<int(int, const char*, int)>("unlinkat", folder, path, flags);
}

// Closes in any case, as Linux does.
int close(int fd) {
  static auto* const real = next<int(int)>("close");
  const int result = real(fd);
  const Fault* fault = fault_for("close");
  if (!fault || fault->failure != Failure::error) return result;
  errno = fault->error;
  return -1;
}
}
