#include "format/header_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"
#include "core/json_text.h"
#include "core/utf8.h"
#include "format/header.h"
#include "format/rules.h"

namespace safelight {
namespace {

void check_text(std::string_view text, std::string_view what) {
  if (!is_utf8(text)) fail(ErrorCategory::usage, "[save] {} \"{}\" is not UTF-8", what, shown(text));
}

std::uint64_t checked_bytes(const Placed& t) {
  std::int64_t total = bits(t.dtype);
  bool overflow = false;
  for (const std::int64_t size : *t.shape) {
    if (size < 0)
      fail(ErrorCategory::usage, "[save] tensor \"{}\" has shape {}: a dimension is negative", shown(t.name),
           to_string(*t.shape));
    overflow = overflow || __builtin_mul_overflow(total, size, &total);
  }
  if (overflow)
    fail(ErrorCategory::usage, "[save] tensor \"{}\" with shape {} is too large", shown(t.name), to_string(*t.shape));
  if (total % 8 != 0)
    fail(ErrorCategory::usage, "[save] tensor \"{}\" of {} with shape {} does not fill whole bytes", shown(t.name),
         name(t.dtype), to_string(*t.shape));
  return static_cast<std::uint64_t>(total) / 8;
}

void check_name(std::string_view tensor) {
  check_text(tensor, "the tensor's name");
  if (tensor == "__metadata__")
    fail(ErrorCategory::usage, "[save] a tensor cannot be named __metadata__: no reader could open the file");
}

void append_metadata(std::string& json, const Metadata& metadata) {
  json += "\"__metadata__\":{";
  for (const auto& [key, text] : metadata) {
    check_text(key, "the metadata key");
    check_text(text, "the metadata value");
    if (json.back() != '{') json += ',';
    append_json_string(json, key);
    json += ':';
    append_json_string(json, text);
  }
  json += '}';
}

}  // namespace

void place(std::vector<Placed>& tensors) {
  for (const Placed& t : tensors) check_name(t.name);
  std::sort(tensors.begin(), tensors.end(), [](const Placed& a, const Placed& b) { return a.name < b.name; });
  const auto same = std::adjacent_find(tensors.begin(), tensors.end(),
                                       [](const Placed& a, const Placed& b) { return a.name == b.name; });
  if (same != tensors.end()) fail(ErrorCategory::usage, "[save] two tensors are named \"{}\"", shown(same->name));
  std::stable_sort(tensors.begin(), tensors.end(), [](const Placed& a, const Placed& b) { return a.dtype > b.dtype; });
  std::uint64_t end = 0;
  for (Placed& t : tensors) {
    t.begin = end;
    end += checked_bytes(t);
    if (end > static_cast<std::uint64_t>(INT64_MAX))
      fail(ErrorCategory::usage, "[save] the tensors have more than 2^63-1 bytes");
    t.end = end;
  }
}

std::string header_text(std::span<const Placed> tensors, const Metadata& metadata) {
  std::string json = "{";
  if (!metadata.empty()) append_metadata(json, metadata);
  for (const Placed& t : tensors) {
    if (json.size() > 1) json += ',';
    append_json_string(json, t.name);
    json += fmt::format(R"(:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name(t.dtype),
                        fmt::join(*t.shape, ","), t.begin, t.end);
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  if (json.size() > kLongestHeader)
    fail(ErrorCategory::limit, "[save] the header would have {} bytes, but readers accept at most {}", json.size(),
         kLongestHeader);
  return json;
}

std::string framed(const std::string& header) {
  std::string bytes;
  bytes.reserve(kLengthField + header.size());
  for (std::size_t i = 0; i < kLengthField; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header;
}

}  // namespace safelight
