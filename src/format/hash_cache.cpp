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
#include "format/hash_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <system_error>
#include <utility>

#include "core/cache.h"
#include "core/json_text.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSettled = 2'000'000'000;  // nanoseconds
constexpr std::string_view kKind = "hashes";

using Field = std::pair<std::string_view, std::string FileHashes::*>;
constexpr std::array<Field, 4> kFields = {Field{"sha256", &FileHashes::sha256}, Field{"autov1", &FileHashes::autov1},
                                          Field{"data_sha256", &FileHashes::data_sha256},
                                          Field{"content", &FileHashes::content}};

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

// Nothing unless the entry is this file's.
std::optional<FileHashes> parse_entry(std::string_view entry, const FileStamp& stamp) {
  const std::string head = heading(stamp);
  if (!entry.starts_with(head)) return std::nullopt;
  std::string_view rest = entry.substr(head.size());
  FileHashes hashes;
  for (const auto& [name, member] : kFields)
    if (!take_field(rest, name, hashes.*member)) return std::nullopt;
  return hashes;
}

}  // namespace

FileHashes with_short_forms(FileHashes hashes) {
  hashes.autov2 = hashes.sha256.substr(0, 10);
  hashes.autov3 = hashes.data_sha256.substr(0, 12);
  return hashes;
}

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
  const std::optional<std::string> entry = read_cache(kKind, stamp.path.native());
  return entry ? parse_entry(*entry, stamp) : std::nullopt;
}

void cache_hashes(const FileStamp& stamp, const FileHashes& hashes) {
  std::string entry = heading(stamp);
  for (const auto& [name, member] : kFields) entry += fmt::format("{} {}\n", name, hashes.*member);
  write_cache(kKind, stamp.path.native(), std::move(entry));
}

}  // namespace safelight
