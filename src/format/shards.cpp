#include "format/shards.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "core/utf8.h"
#include "safelight/content_hash.h"

namespace safelight {

std::vector<std::vector<std::size_t>> deal_out(std::span<const std::uint64_t> bytes, std::uint64_t limit) {
  std::vector<std::vector<std::size_t>> files(1);
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (limit > 0 && !files.back().empty() && bytes[i] > limit - std::min(used, limit)) {
      files.emplace_back();
      used = 0;
    }
    files.back().push_back(i);
    used += bytes[i];
  }
  return files;
}

std::filesystem::path shard_path(const std::filesystem::path& path, std::size_t shard, std::size_t shards) {
  if (!is_utf8(path.filename().native()))
    fail(ErrorCategory::usage,
         "[shards] expected the name of a set of files in UTF-8, which its index is, found \"{}\"",
         printable(path.native()));
  const std::string name =
      fmt::format("{}-{:05}-of-{:05}{}", path.stem().native(), shard + 1, shards, path.extension().native());
  return path.parent_path() / name;
}

std::filesystem::path index_path(const std::filesystem::path& path) {
  return std::filesystem::path(path.native() + ".index.json");
}

std::string index_text(std::vector<IndexEntry> entries, std::uint64_t total_bytes, const std::string& content_hash) {
  std::sort(entries.begin(), entries.end(),
            [](const IndexEntry& a, const IndexEntry& b) { return a.tensor < b.tensor; });
  std::string json = "{\n  \"metadata\": {\n";
  if (!content_hash.empty())
    json += fmt::format("    {}: {},\n", json_string(kContentHashKey), json_string(content_hash));
  json += fmt::format("    \"total_size\": {}\n  }},\n  \"weight_map\": {{", total_bytes);
  const char* separator = "\n";
  for (const IndexEntry& entry : entries) {
    json += fmt::format("{}    {}: {}", separator, json_string(entry.tensor), json_string(entry.file));
    separator = ",\n";
  }
  return json + "\n  }\n}\n";
}

}  // namespace safelight
