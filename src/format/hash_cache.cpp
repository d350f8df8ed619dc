// One entry of the cache:
//
//   safelight hashes 1
//   path "/models/a.safetensors"
//   size 2132625612
//   modified 1700000000000000000
//   sha256 ...
//   autov1 ...
//   data_sha256 ...
//   content ...
//   check ...                   the SHA-256 of all lines before
#include "format/hash_cache.h"

#include <sys/stat.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/json_text.h"
#include "core/sha256.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSettled = 2'000'000'000;  // nanoseconds
constexpr std::size_t kLongestEntry = 64 * 1024;

using Field = std::pair<std::string_view, std::string FileHashes::*>;
constexpr std::array<Field, 4> kFields = {Field{"sha256", &FileHashes::sha256}, Field{"autov1", &FileHashes::autov1},
                                          Field{"data_sha256", &FileHashes::data_sha256},
                                          Field{"content", &FileHashes::content}};

std::string sha256_of(std::string_view text) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.hex();
}

// Nothing if the system names no folder for it.
std::optional<fs::path> cache_folder() {
  const auto absolute = [](const char* variable) -> std::optional<fs::path> {
    const char* value = std::getenv(variable);
    if (!value || *value != '/') return std::nullopt;
    return value;
  };
  if (const auto cache = absolute("XDG_CACHE_HOME")) return *cache / "safelight" / "hashes";
  if (const auto home = absolute("HOME")) return *home / ".cache" / "safelight" / "hashes";
  return std::nullopt;
}

std::string entry_name(const FileStamp& stamp) { return sha256_of(stamp.path.native()).substr(0, 32); }

std::string heading(const FileStamp& stamp) {
  return fmt::format("safelight hashes 1\npath {}\nsize {}\nmodified {}\n", json_string(stamp.path.native()),
                     stamp.size, stamp.modified);
}

// Takes "name value\n" off the front.
bool take_field(std::string_view& text, std::string_view name, std::string& value) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(name) || end <= name.size() || text[name.size()] != ' ')
    return false;
  value = text.substr(name.size() + 1, end - name.size() - 1);
  text.remove_prefix(end + 1);
  return true;
}

// Nothing unless the entry is this file's, whole and undamaged.
std::optional<FileHashes> parse_entry(std::string_view entry, const FileStamp& stamp) {
  const std::string head = heading(stamp);
  if (!entry.starts_with(head)) return std::nullopt;
  std::string_view rest = entry.substr(head.size());
  FileHashes hashes;
  for (const auto& [name, member] : kFields)
    if (!take_field(rest, name, hashes.*member)) return std::nullopt;
  const std::string_view checked = entry.substr(0, entry.size() - rest.size());
  if (rest != fmt::format("check {}\n", sha256_of(checked))) return std::nullopt;
  return hashes;
}

void create_private_folders(const fs::path& folder) {
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  fs::permissions(folder, fs::perms::owner_all, ignored);  // names of private files
}

}  // namespace

std::optional<FileStamp> stamp_of(int descriptor, const fs::path& path) {
  struct stat status {};
  std::error_code missing;
  fs::path real = fs::canonical(path, missing);
  if (missing || ::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const std::int64_t modified = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
  const std::int64_t now = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  if (modified > now - kSettled) return std::nullopt;
  return FileStamp{std::move(real), static_cast<std::uint64_t>(status.st_size), modified};
}

std::optional<FileHashes> cached_hashes(const FileStamp& stamp) {
  const std::optional<fs::path> folder = cache_folder();
  if (!folder) return std::nullopt;
  std::ifstream file(*folder / entry_name(stamp), std::ios::binary);
  std::string entry(kLongestEntry, '\0');
  file.read(entry.data(), static_cast<std::streamsize>(entry.size()));
  entry.resize(static_cast<std::size_t>(file.gcount()));
  return parse_entry(entry, stamp);
}

void cache_hashes(const FileStamp& stamp, const FileHashes& hashes) {
  const std::optional<fs::path> folder = cache_folder();
  if (!folder) return;
  create_private_folders(*folder);
  std::string entry = heading(stamp);
  for (const auto& [name, member] : kFields) entry += fmt::format("{} {}\n", name, hashes.*member);
  entry += fmt::format("check {}\n", sha256_of(entry));
  try {
    write_file_atomically(*folder / entry_name(stamp), std::as_bytes(std::span(entry)));
  } catch (const Error&) {
    // A full disk, a folder that is not ours: the next run computes the hashes again.
  }
}

}  // namespace safelight
