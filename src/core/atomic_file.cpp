#include "core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "core/fail.h"
#include "core/file_operations.h"
#include "core/mapping_guard.h"
#include "core/printable.h"

namespace safelight {
namespace {

// A checkpoint may have 100,000 tensors of a few bytes; a system call for each would cost more than the copy.
constexpr std::size_t kBuffer = std::size_t{1} << 20;

// The file that a link leads to, there or not. Links in the path of its folder are the system's business.
std::filesystem::path without_links(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // as Linux: the rest is a circle
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code no_link;
    const std::filesystem::path target = std::filesystem::read_symlink(path, no_link);
    if (no_link) break;
    path = path.parent_path() / target;
  }
  return path;
}

// Several files of a set may have the same to say.
void add_note(SaveReport& report, const std::string& note) {
  if (report.note.find(note) != std::string::npos) return;
  if (!report.note.empty()) report.note += "; ";
  report.note += note;
}

// 0, or the errno of what failed.
int copy_contents(int from, int to) {
  std::vector<std::byte> buffer(kBuffer);
  for (std::uint64_t offset = 0;;) {
    const ssize_t count = retry_interrupted([&] { return ::read(from, buffer.data(), buffer.size()); });
    if (count == 0) return 0;
    if (count < 0 || !write_all(to, offset, {buffer.data(), static_cast<std::size_t>(count)})) return errno;
    offset += static_cast<std::uint64_t>(count);
  }
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
    if (!S_ISREG(old.st_mode))
      fail(ErrorCategory::io, "[file] cannot write {}: it is there already and not a regular file",
           printable(path.native()));
    mode = old.st_mode & 0777u;
  } else if (errno != ENOENT) {
    fail_to("examine");
  }
  create_temporary(mode);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

// mode = 0: what the umask gives.
void AtomicFile::create_temporary(mode_t mode) {
  do {
    temporary_ = hidden_name("tmp");
    file_ = FileDescriptor(
        ::openat(folder_.get(), temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
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
        retry_interrupted([&] { return ::write(file_.get(), bytes.data(), std::min(bytes.size(), kLargestTransfer)); });
    if (written < 0) fail_to("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::reserve(std::uint64_t bytes) {
  if (bytes == 0) return;
  // Asking for more than there is would first take all that there is, from everybody else, too. Mounts of object stores
  // have no size.
  struct statvfs disk {};
  if (::fstatvfs(file_.get(), &disk) == 0 && disk.f_blocks > 0 && bytes / disk.f_frsize > disk.f_bfree) {
    errno = ENOSPC;
    fail_to("reserve room on the disk for");
  }
  const auto length = static_cast<off_t>(bytes);
  if (retry_interrupted([&] { return ::fallocate(file_.get(), 0, 0, length); }) != 0 && !is_unsupported(errno))
    fail_to("reserve room on the disk for");
}

void AtomicFile::use_direct_writes(bool if_faster) {
  direct_.open(folder_.get(), temporary_.c_str());
  if (if_faster) pace_.emplace();
}

void AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!pace_ || bytes.size() < DirectWriter::kWorthwhile) return write_part(offset, bytes, true);
  const bool directly = pace_->prefers_direct();
  const auto began = std::chrono::steady_clock::now();
  write_part(offset, bytes, directly);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  pace_->record(directly, bytes.size(), took.count());
}

// What does not go directly goes through the page cache.
void AtomicFile::write_part(std::uint64_t offset, std::span<const std::byte> bytes, bool directly) {
  const DirectWriter::Result direct = directly ? direct_.write(offset, bytes) : DirectWriter::Result{};
  errno = direct.error;
  if (direct.error != 0) fail_to("write");
  const std::size_t head =
      direct.written.empty() ? bytes.size() : static_cast<std::size_t>(direct.written.data() - bytes.data());
  const std::size_t tail = std::min(head + direct.written.size(), bytes.size());
  if (!write_all(file_.get(), offset, bytes.first(head)) || !write_all(file_.get(), offset + tail, bytes.subspan(tail)))
    fail_to("write");
}

void AtomicFile::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  if (!read_all(file_.get(), offset, bytes)) fail_to("read back");
}

SaveReport AtomicFile::commit(bool durable) {
  SaveReport report;
  seal(durable, report);
  publish(report);
  flush_folder(durable, report);
  return report;
}

// Finishes the temporary file.
void AtomicFile::seal(bool durable, SaveReport& report) {
  flush();
  check_all_mappings();  // what was written may come from them
  report.durable = report.durable && durable;
  if (durable && retry_interrupted([&] { return ::fsync(file_.get()); }) != 0) {
    if (!is_unsupported(errno)) fail_to("flush");
    report.durable = false;
    add_note(report, fmt::format("the file system cannot flush files ({}), so the new file may still be on its way to "
                                 "the disk",
                                 std::strerror(errno)));
  }
  direct_ = DirectWriter();
  if (::close(file_.release()) != 0 && errno != EINTR) fail_to("close");
}

void AtomicFile::publish(SaveReport& report) {
  if (::renameat(folder_.get(), temporary_.c_str(), folder_.get(), name_.c_str()) != 0) {
    if (!is_unsupported(errno)) fail_to("replace");
    copy_into_place(errno, report);
  }
  temporary_.clear();
  published_ = true;
}

// The last resort, with a moment in which neither file is whole. The old one is removed rather than overwritten, so
// that whoever has mapped it keeps its bytes. One that cannot be removed (immutable, or somebody else's in a sticky
// folder, for which renaming gives EPERM, too) stays as it is.
void AtomicFile::copy_into_place(int why_not_renamed, SaveReport& report) {
  const FileDescriptor from(::openat(folder_.get(), temporary_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!from) fail_to("read the finished temporary file of");
  struct stat status {};
  const mode_t mode = ::fstat(from.get(), &status) == 0 ? status.st_mode & 0777u : 0666u;
  if (::unlinkat(folder_.get(), name_.c_str(), 0) != 0 && errno != ENOENT) fail_to("replace");
  FileDescriptor to(::openat(folder_.get(), name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  const bool made = static_cast<bool>(to);
  int error = made ? copy_contents(from.get(), to.get()) : errno;
  if (error == 0 && retry_interrupted([&] { return ::fsync(to.get()); }) != 0 && !is_unsupported(errno)) error = errno;
  if (to && ::close(to.release()) != 0 && error == 0) error = errno;
  if (error != 0) {
    if (made) ::unlinkat(folder_.get(), name_.c_str(), 0);
    const std::string kept = std::exchange(temporary_, {});
    fail(ErrorCategory::io,
         "[file] cannot rename on this file system, and writing {} in place failed: {}; its complete new contents are "
         "in {} beside it",
         printable(path_.native()), std::strerror(error), kept);
  }
  ::unlinkat(folder_.get(), temporary_.c_str(), 0);
  report.atomic = false;
  add_note(report, fmt::format("the file system cannot rename ({}), so the file was written in place, which is not "
                               "atomic",
                               std::strerror(why_not_renamed)));
}

// Never an error: the new file has its name already.
void AtomicFile::flush_folder(bool durable, SaveReport& report) const {
  if (!durable || retry_interrupted([&] { return ::fsync(folder_.get()); }) == 0) return;
  report.durable = false;
  add_note(report,
           fmt::format("{} ({}), so a power loss soon after may bring back the old file",
                       is_unsupported(errno) ? "the file system cannot flush folders" : "flushing the folder failed",
                       std::strerror(errno)));
}

// The old file, if there is one, gets out of the way under a name of its own.
void AtomicFile::set_aside() {
  std::string aside = hidden_name("old");
  if (::renameat(folder_.get(), name_.c_str(), folder_.get(), aside.c_str()) == 0) {
    aside_ = std::move(aside);
  } else if (const int error = errno; error != ENOENT && (!is_unsupported(error) || can_rename())) {
    errno = error;
    fail_to("replace");
  }
}

// Whether the file system renames the temporary file: then it is the old one that may not be renamed.
bool AtomicFile::can_rename() {
  std::string other = hidden_name("tmp");
  if (::renameat(folder_.get(), temporary_.c_str(), folder_.get(), other.c_str()) != 0) return false;
  temporary_ = std::move(other);
  return true;
}

void AtomicFile::withdraw() noexcept {
  if (published_) ::unlinkat(folder_.get(), name_.c_str(), 0);
}

bool AtomicFile::take_back() noexcept {
  if (!aside_.empty() && ::renameat(folder_.get(), aside_.c_str(), folder_.get(), name_.c_str()) != 0) return false;
  aside_.clear();
  return true;
}

void AtomicFile::drop_aside() noexcept {
  if (!aside_.empty()) ::unlinkat(folder_.get(), aside_.c_str(), 0);
  aside_.clear();
}

// The new files go before the first old one comes back, so that a process that is killed here, too, leaves no mixture,
// and the last file comes back when all others have. Returns the names under which old files had to stay.
std::string AtomicFile::put_back(std::deque<AtomicFile>& files) {
  for (AtomicFile& file : files) file.withdraw();
  std::string left;
  for (AtomicFile& file : files) {
    const bool may = &file != &files.back() || left.empty();
    if (may && file.take_back()) continue;
    if (!file.aside_.empty()) left += fmt::format("{}{} of {}", left.empty() ? "" : ", ", file.aside_, file.name_);
  }
  return left;
}

SaveReport commit_together(std::deque<AtomicFile>& files, bool durable) {
  SaveReport report;
  if (files.empty()) return report;
  for (AtomicFile& file : files) file.seal(durable, report);
  try {
    for (auto file = files.rbegin(); file != files.rend(); ++file) file->set_aside();
    for (AtomicFile& file : files) file.publish(report);
  } catch (const std::exception& e) {
    const std::string left = AtomicFile::put_back(files);
    if (left.empty()) throw;
    fail(ErrorCategory::io, "{}; old files that could not be put back: {}", e.what(), left);
  }
  for (AtomicFile& file : files) file.drop_aside();
  for (const AtomicFile& file : files) file.flush_folder(durable, report);  // links may lead to several
  return report;
}

void AtomicFile::fail_to(const char* action) const {
  fail(ErrorCategory::io, "[file] cannot {} {}: {}", action, printable(path_.native()), std::strerror(errno));
}

SaveReport write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  return file.commit();
}

}  // namespace safelight
