#include "core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/fail.h"
#include "core/printable.h"

namespace safelight {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a pipe would wait for a writer that may never come.
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) fail(ErrorCategory::io, "[file] cannot open {}: {}", printable(path.native()), std::strerror(errno));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    fail(ErrorCategory::io, "[file] cannot examine {}: {}", printable(path.native()), std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    fail(ErrorCategory::io, "[file] expected a regular file, but {} is {}", printable(path.native()),
         kind_of(status.st_mode));
  const auto size = static_cast<std::size_t>(status.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (data == MAP_FAILED)
      fail(ErrorCategory::io, "[file] cannot map {} ({} bytes): {}", printable(path.native()), size,
           std::strerror(errno));
  }
  Mapping mapping(static_cast<const std::byte*>(data), Unmap{size});
  return std::shared_ptr<const MappedFile>(new MappedFile(path, std::move(fd), std::move(mapping)));
}

void MappedFile::release(std::uint64_t offset, std::uint64_t bytes) const noexcept {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = (offset + page - 1) / page * page, end = (offset + bytes) / page * page;
  // Of a read-only mapping of a file this loses nothing; where it is refused, the pages merely stay.
  if (begin < end) ::madvise(const_cast<std::byte*>(mapping_.get()) + begin, end - begin, MADV_DONTNEED);
}

void MappedFile::Unmap::operator()(const std::byte* data) const noexcept {
  ::munmap(const_cast<std::byte*>(data), size);
}

}  // namespace safelight
