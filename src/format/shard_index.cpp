#include "format/shard_index.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "core/fail.h"
#include "format/header.h"
#include "format/limits.h"
#include "format/rules.h"

namespace safelight {
namespace {

namespace dom = simdjson::dom;

// Per byte of the text: its padded copy, 8 of the parser's tape, 4 of its tokens, 5/3 of its strings, and the result.
constexpr std::uint64_t kMemoryPerByte = 20;

void check_size(std::string_view json, const Limits& limits) {
  if (json.size() > kLongestHeader)
    fail(ErrorCategory::limit, "the index has {} bytes, more than the {} allowed", json.size(), kLongestHeader);
  check_limit("the index", json.size(), "bytes", limits.header_bytes);
  check_limit("reading the index", json.size() * kMemoryPerByte, "bytes of memory to ask for", limits.memory_bytes);
}

class IndexReader {
 public:
  explicit IndexReader(const Limits& limits) : limits_(limits) {}

  ShardIndex read(std::string_view json) {
    dom::parser parser;
    dom::element root;
    if (const auto error = parser.parse(simdjson::padded_string(json)).get(root))
      fail(ErrorCategory::format, "the index is not JSON: {}", simdjson::error_message(error));
    if (!root.is_object()) fail(ErrorCategory::format, "the index is not a JSON object");
    bool has_map = false, has_metadata = false;
    for (const auto [key, value] : dom::object(root)) {
      if (key == "weight_map") read_map(value, has_map);
      if (key == "metadata") read_metadata(value, has_metadata);
    }
    if (!has_map) fail(ErrorCategory::format, "the index has no \"weight_map\"");
    sort();
    return std::move(index_);
  }

 private:
  void read_map(dom::element value, bool& seen) {
    if (std::exchange(seen, true)) fail(ErrorCategory::format, "the index has \"weight_map\" twice");
    if (!value.is_object()) fail(ErrorCategory::format, "\"weight_map\" of the index is not an object");
    for (const auto [tensor, file] : dom::object(value)) {
      check_limit("the index", index_.entries.size() + 1, "tensors", limits_.tensors);
      check_limit("a tensor's name", tensor.size(), "bytes", limits_.name_bytes);
      if (!file.is_string())
        fail(ErrorCategory::format, "the index maps tensor \"{}\" to something that is not a file name", shown(tensor));
      files_.emplace_back(std::string_view(file));
      index_.entries.push_back({std::string(tensor), 0});
    }
  }

  void read_metadata(dom::element value, bool& seen) {
    if (std::exchange(seen, true)) fail(ErrorCategory::format, "the index has \"metadata\" twice");
    if (value.is_null()) return;
    if (!value.is_object()) fail(ErrorCategory::format, "\"metadata\" of the index is not an object");
    for (const auto [key, item] : dom::object(value)) {
      index_.metadata[std::string(key)] =
          item.is_string() ? std::string(std::string_view(item)) : simdjson::minify(item);
      if (key == "total_size") index_.total_size = size(item);
    }
  }

  // Some writers give a whole number with a point.
  static std::uint64_t size(dom::element value) {
    if (value.is_uint64()) return std::uint64_t(value);
    constexpr double kWhole = 9007199254740992;  // 2^53: below, every double of this size is exact
    double number = -1;
    if (value.is_double()) number = double(value);
    if (number < 0 || number > kWhole || number != static_cast<double>(static_cast<std::uint64_t>(number)))
      fail(ErrorCategory::format, "\"total_size\" of the index is not a number of bytes");
    return static_cast<std::uint64_t>(number);
  }

  void sort() {
    index_.shards = files_;
    std::sort(index_.shards.begin(), index_.shards.end());
    index_.shards.erase(std::unique(index_.shards.begin(), index_.shards.end()), index_.shards.end());
    for (std::size_t i = 0; i < files_.size(); ++i)
      index_.entries[i].shard = static_cast<std::size_t>(
          std::lower_bound(index_.shards.begin(), index_.shards.end(), files_[i]) - index_.shards.begin());
    auto& entries = index_.entries;
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.tensor < b.tensor; });
    const auto twice = std::adjacent_find(entries.begin(), entries.end(),
                                          [](const auto& a, const auto& b) { return a.tensor == b.tensor; });
    if (twice != entries.end())
      fail(ErrorCategory::format, "the index names tensor \"{}\" twice", shown(twice->tensor));
  }

  const Limits limits_;
  ShardIndex index_;
  std::vector<std::string> files_;  // per entry, until they are sorted
};

// Takes a number of at least `digits` digits off the end.
std::optional<std::uint64_t> take_number(std::string_view& text, std::size_t digits) noexcept {
  const std::size_t begin = text.find_last_not_of("0123456789") + 1;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), value);
  if (text.size() - begin < digits || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  text = text.substr(0, begin);
  return value;
}

bool take_end(std::string_view& text, std::string_view end) noexcept {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

}  // namespace

ShardIndex parse_shard_index(std::string_view json, const Limits& limits) {
  check_size(json, limits);
  return IndexReader(limits).read(json);
}

bool stays_in_folder(std::string_view file) noexcept {
  if (file.empty() || file.front() == '/' || file.find('\0') != std::string_view::npos) return false;
  while (!file.empty()) {
    const std::size_t slash = std::min(file.find('/'), file.size());
    if (file.substr(0, slash) == "..") return false;
    file.remove_prefix(std::min(slash + 1, file.size()));
  }
  return true;
}

std::optional<ShardNumber> shard_number(std::string_view file) noexcept {
  if (!take_end(file, ".safetensors")) return std::nullopt;
  const std::optional<std::uint64_t> count = take_number(file, 5);
  if (!count || !take_end(file, "-of-")) return std::nullopt;
  const std::optional<std::uint64_t> number = take_number(file, 5);
  if (!number || !take_end(file, "-")) return std::nullopt;
  return ShardNumber{file, *number, *count};
}

IndexedSets::IndexedSets(std::span<const std::string> names) {
  for (const std::string& name : names)
    if (std::string_view stem = name; take_end(stem, kShardIndexEnd)) {
      stems_.emplace(stem);
      indices_.push_back(name);
    }
}

bool IndexedSets::has_shard(std::string_view file) const noexcept {
  const std::optional<ShardNumber> shard = shard_number(file);
  return shard && stems_.contains(shard->stem);
}

}  // namespace safelight
