#include "format/edit_journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>

#include "core/fail.h"
#include "core/file_operations.h"
#include "core/little_endian.h"
#include "core/printable.h"
#include "core/xxh3.h"
#include "format/header.h"

namespace safelight {
namespace {

constexpr std::string_view kMagic = "safelight metadata edit 1\n";
constexpr std::size_t kNumbers = 5;
constexpr std::size_t kHashBytes = std::tuple_size_v<Hash128>;
constexpr std::size_t kFixed = kMagic.size() + 8 * kNumbers + kHashBytes;  // before the two texts
constexpr std::size_t kLongestName = 255;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const Hash128& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

std::filesystem::path journal_path(const std::filesystem::path& real) {
  return real.parent_path() / ("." + real.filename().native() + ".safelight-journal");
}

void append_number(std::string& text, std::uint64_t number) {
  for (int i = 0; i < 8; ++i) text += static_cast<char>(number >> (8 * i));
}

// The header with its length field; nothing if the file has no such bytes.
std::optional<std::string> read_header(int file, std::uint64_t end) {
  std::string header(end, '\0');
  if (!read_all(file, 0, std::as_writable_bytes(std::span(header)))) return std::nullopt;
  return header;
}

Hash128 hash_around(std::string_view header, const HeaderChange& change) {
  Xxh3 hash;
  hash.update(bytes_of(header.substr(0, change.offset)));
  hash.update(bytes_of(header.substr(change.offset + change.before.size())));
  return hash.digest();
}

std::string journal_text(const HeaderChange& change, std::string_view header) {
  std::string text(kMagic);
  for (const std::uint64_t number :
       {change.file_bytes, change.header_end, change.offset, std::uint64_t{change.before.size()}, std::uint64_t{0}})
    append_number(text, number);
  text += text_of(hash_around(header, change));
  text += change.before;
  text += change.after;
  text += text_of(xxh3(bytes_of(text)));
  return text;
}

struct Journal {
  HeaderChange change;
  std::string hash_around;
};

// Nothing if the text is not a whole journal: then the change had not begun.
std::optional<Journal> parse_journal(std::string_view text) {
  if (text.size() < kFixed + kHashBytes || !text.starts_with(kMagic)) return std::nullopt;
  const std::string_view body = text.substr(0, text.size() - kHashBytes);
  if (text_of(xxh3(bytes_of(body))) != text.substr(body.size())) return std::nullopt;
  const auto number = [&](std::size_t i) {
    return little_endian_u64(bytes_of(text.substr(kMagic.size() + 8 * i)).first<8>());
  };
  const std::uint64_t length = number(3);
  Journal journal{.change = {.file_bytes = number(0), .header_end = number(1), .offset = number(2)},
                  .hash_around = std::string(text.substr(kFixed - kHashBytes, kHashBytes))};
  const HeaderChange& change = journal.change;
  if (length != (body.size() - kFixed) / 2 || (body.size() - kFixed) % 2 != 0 ||
      change.header_end > kLengthField + kLongestHeader || change.offset < kLengthField ||
      change.offset > change.header_end || length > change.header_end - change.offset)
    return std::nullopt;
  journal.change.before = body.substr(kFixed, length);
  journal.change.after = body.substr(kFixed + length, length);
  return journal;
}

// Not a stranger's: beside a file in a folder that all may write to, anybody could put one.
bool is_trustworthy(const struct stat& journal, const struct stat& file) {
  return S_ISREG(journal.st_mode) && (journal.st_uid == file.st_uid || journal.st_uid == ::geteuid()) &&
         (journal.st_mode & 022u) == 0;
}

// Nothing, with errno, if it cannot be read. What is no journal of `file` has no text.
std::optional<std::string> read_journal(const std::filesystem::path& path, const struct stat& file) {
  constexpr auto kLargest = static_cast<off_t>(2 * (kLengthField + kLongestHeader) + kFixed + kHashBytes);
  // The name may mean something else by now: without O_NONBLOCK, a pipe would wait for a writer that may never come.
  const FileDescriptor journal(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  struct stat status {};
  if (!journal || ::fstat(journal.get(), &status) != 0) return std::nullopt;
  if (!is_trustworthy(status, file) || status.st_size > kLargest) return std::string();
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (!read_all(journal.get(), 0, std::as_writable_bytes(std::span(text)))) return std::nullopt;
  return text;
}

enum class Fit { other_file, as_before, half_changed, as_after };

Fit compare(int file, const Journal& journal) {
  const HeaderChange& change = journal.change;
  struct stat status {};
  if (::fstat(file, &status) != 0 || static_cast<std::uint64_t>(status.st_size) != change.file_bytes ||
      change.header_end > change.file_bytes)
    return Fit::other_file;
  const std::optional<std::string> header = read_header(file, change.header_end);
  if (!header || text_of(hash_around(*header, change)) != journal.hash_around) return Fit::other_file;
  const std::string_view now = std::string_view(*header).substr(change.offset, change.before.size());
  if (now == change.after) return Fit::as_after;
  if (now == change.before) return Fit::as_before;
  for (std::size_t i = 0; i < now.size(); ++i)
    if (now[i] != change.before[i] && now[i] != change.after[i]) return Fit::other_file;
  return Fit::half_changed;
}

// Flushes if that is wanted and to be had. False, with errno, on failure.
bool flush(int file, bool durable, SaveReport& report) {
  if (!durable) report.durable = false;
  if (!durable || retry_interrupted([&] { return ::fsync(file); }) == 0) return true;
  if (!is_unsupported(errno)) return false;
  report.durable = false;
  report.note = fmt::format("the file system cannot flush ({}), so the change may still be on its way to the disk",
                            std::strerror(errno));
  return true;
}

bool write_and_flush(int file, std::uint64_t offset, std::string_view text, bool durable, SaveReport& report) {
  return write_all(file, offset, bytes_of(text)) && flush(file, durable, report);
}

// The journal and its name reach the disk before the file changes. It can be read by those who can read the file, and
// written by nobody else. False, with errno, on failure.
bool write_journal(const std::filesystem::path& path, const struct stat& of, const std::string& text, bool durable,
                   SaveReport& report) {
  const mode_t mode = (of.st_mode & 0644u) | 0600u;
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file) return false;
  // Who may not give it the file's group keeps what it has.
  std::ignore = ::fchown(file.get(), static_cast<uid_t>(-1), of.st_gid);
  if (write_and_flush(file.get(), 0, text, durable, report)) {
    const FileDescriptor folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder && flush(folder.get(), durable, report)) return true;
  }
  const int error = errno;
  ::unlink(path.c_str());
  errno = error;
  return false;
}

}  // namespace

FileDescriptor open_for_edit(const std::filesystem::path& real, int flags) {
  for (;;) {
    // Without O_NONBLOCK, opening a pipe would wait for a writer that may never come.
    FileDescriptor file(::open(real.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
    if (!file) return file;
    static_cast<void>(retry_interrupted([&] { return ::flock(file.get(), LOCK_EX); }));
    struct stat opened {
    }, named{};
    if (::fstat(file.get(), &opened) != 0 || ::stat(real.c_str(), &named) != 0) return FileDescriptor();
    if (opened.st_ino == named.st_ino && opened.st_dev == named.st_dev) return file;
  }
}

bool change_in_place(int file, const std::filesystem::path& real, const HeaderChange& change, bool durable,
                     SaveReport& report) {
  const std::filesystem::path journal = journal_path(real);
  struct stat status {};
  if (::fstat(file, &status) != 0)
    fail(ErrorCategory::io, "[edit] cannot examine {}: {}", printable(real.native()), std::strerror(errno));
  // Other readers would not believe the journal of somebody who does not own the file.
  if (status.st_uid != ::geteuid() || journal.filename().native().size() > kLongestName) return false;
  const std::optional<std::string> header = read_header(file, change.header_end);
  if (!header) fail(ErrorCategory::io, "[edit] cannot read {}: {}", printable(real.native()), std::strerror(errno));
  if (!write_journal(journal, status, journal_text(change, *header), durable, report)) {
    if (errno == EEXIST) return false;
    fail(ErrorCategory::io, "[edit] cannot write the journal {}: {}", printable(journal.native()),
         std::strerror(errno));
  }
  if (write_and_flush(file, change.offset, change.after, durable, report)) {
    ::unlink(journal.c_str());  // a journal that stays finds its work done
    return true;
  }
  const int error = errno;
  SaveReport ignored;
  if (!write_and_flush(file, change.offset, change.before, durable, ignored))
    fail(
        ErrorCategory::io,
        "[edit] writing the header of {} failed, and so did putting the old one back: {}; the next opening of the file "
        "finishes the change from {}",
        printable(real.native()), std::strerror(error), printable(journal.native()));
  ::unlink(journal.c_str());
  if (is_unsupported(error)) return false;
  fail(ErrorCategory::io, "[edit] cannot write the header of {}: {}", printable(real.native()), std::strerror(error));
}

void replay_journal(int file, const std::filesystem::path& real) {
  const std::filesystem::path path = journal_path(real);
  struct stat beside {
  }, target{};
  if (::lstat(path.c_str(), &beside) != 0 || ::fstat(file, &target) != 0 || !is_trustworthy(beside, target)) return;
  const std::optional<std::string> text = read_journal(path, target);
  if (!text)
    fail(ErrorCategory::io, "[edit] a change of {} was interrupted, and its journal {} cannot be read: {}",
         printable(real.native()), printable(path.native()), std::strerror(errno));
  const std::optional<Journal> journal = parse_journal(*text);
  const Fit fit = journal ? compare(file, *journal) : Fit::other_file;
  if (fit == Fit::as_before || fit == Fit::half_changed) {
    SaveReport ignored;
    if (!write_and_flush(file, journal->change.offset, journal->change.after, true, ignored)) {
      const int error = errno;
      if (compare(file, *journal) != Fit::half_changed) return;  // whole, and may stay so
      fail(ErrorCategory::io, "[edit] a change of {} was interrupted half-way and cannot be finished: {}",
           printable(real.native()), std::strerror(error));
    }
  }
  ::unlink(path.c_str());
}

bool finish_interrupted_edit(const std::filesystem::path& path) {
  std::error_code missing;
  const std::filesystem::path real = std::filesystem::canonical(path, missing);
  struct stat beside {
  }, target{};
  // Asked before the lock, for which anybody could make us wait who puts a file there and locks ours.
  if (missing || ::lstat(journal_path(real).c_str(), &beside) != 0 || ::stat(real.c_str(), &target) != 0 ||
      !is_trustworthy(beside, target))
    return false;
  FileDescriptor file = open_for_edit(real, O_RDWR);
  if (!file) file = open_for_edit(real, O_RDONLY);
  if (file) replay_journal(file.get(), real);
  return static_cast<bool>(file);
}

}  // namespace safelight
