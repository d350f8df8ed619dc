#include "core/cache.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <system_error>

#include "core/atomic_file.h"
#include "core/sha256.h"
#include "safelight/error.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestEntry = 256 * 1024;

std::string sha256_of(std::string_view text) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.hex();
}

std::string check_line(std::string_view text) { return fmt::format("check {}\n", sha256_of(text)); }

// Nothing if the system names no folder for it.
std::optional<fs::path> cache_folder(std::string_view kind) {
  const auto absolute = [](const char* variable) -> std::optional<fs::path> {
    const char* value = std::getenv(variable);
    if (!value || *value != '/') return std::nullopt;
    return value;
  };
  if (const auto cache = absolute("XDG_CACHE_HOME")) return *cache / "safelight" / kind;
  if (const auto home = absolute("HOME")) return *home / ".cache" / "safelight" / kind;
  return std::nullopt;
}

std::string entry_name(std::string_view key) { return sha256_of(key).substr(0, 32); }

void create_private_folders(const fs::path& folder) {
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  fs::permissions(folder, fs::perms::owner_all, ignored);  // names of private files
}

}  // namespace

std::optional<std::string> read_cache(std::string_view kind, std::string_view key) {
  const std::optional<fs::path> folder = cache_folder(kind);
  if (!folder) return std::nullopt;
  std::ifstream file(*folder / entry_name(key), std::ios::binary);
  std::string text(kLongestEntry, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  const std::size_t check = check_line("").size();
  if (text.size() < check) return std::nullopt;
  const std::string found = text.substr(text.size() - check);
  text.resize(text.size() - check);
  if (found != check_line(text)) return std::nullopt;
  return text;
}

void write_cache(std::string_view kind, std::string_view key, std::string text) {
  const std::optional<fs::path> folder = cache_folder(kind);
  if (!folder) return;
  create_private_folders(*folder);
  text += check_line(text);
  try {
    write_file_atomically(*folder / entry_name(key), std::as_bytes(std::span(text)));
  } catch (const Error&) {
    // A full disk, a folder that is not ours: the next run computes it again.
  }
}

}  // namespace safelight
