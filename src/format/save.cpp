// The writer: the reference's serializer, byte for byte, except that its metadata keys have no fixed order.
//
//   {"__metadata__":{"k":"v"},"name":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}   then spaces to a multiple
//   of 8
//
// Tensors are sorted by dtype, the enum's last first, then by name; so every tensor is aligned to its element's size.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/json_text.h"
#include "core/utf8.h"
#include "format/header.h"
#include "format/rules.h"
#include "safelight/safetensors.h"

namespace safelight {
namespace {

void check_text(std::string_view text, std::string_view what) {
  if (!is_utf8(text)) fail(ErrorCategory::usage, "[save] {} \"{}\" is not UTF-8", what, shown(text));
}

void check_tensor(const NamedTensor& t) {
  check_text(t.name, "the tensor's name");
  if (t.name == "__metadata__")
    fail(ErrorCategory::usage, "[save] a tensor cannot be named __metadata__: no reader could open the file");
  if (t.tensor.empty()) fail(ErrorCategory::usage, "[save] tensor \"{}\" is empty", shown(t.name));
  if (t.tensor.elements() * bits(t.tensor.dtype()) % 8 != 0)
    fail(ErrorCategory::usage, "[save] tensor \"{}\" of {} with shape {} does not fill whole bytes", shown(t.name),
         name(t.tensor.dtype()), to_string(t.tensor.shape()));
}

// Pointers to the tensors in the order of their bytes. Throws Error(usage) for what the format cannot hold.
std::vector<const NamedTensor*> in_file_order(std::span<const NamedTensor> tensors) {
  std::vector<const NamedTensor*> order;
  order.reserve(tensors.size());
  for (const NamedTensor& t : tensors) {
    check_tensor(t);
    order.push_back(&t);
  }
  const auto by_name = [](const NamedTensor* a, const NamedTensor* b) { return a->name < b->name; };
  std::sort(order.begin(), order.end(), by_name);
  const auto same = std::adjacent_find(order.begin(), order.end(),
                                       [](const NamedTensor* a, const NamedTensor* b) { return a->name == b->name; });
  if (same != order.end()) fail(ErrorCategory::usage, "[save] two tensors are named \"{}\"", shown((*same)->name));
  std::stable_sort(order.begin(), order.end(),
                   [](const NamedTensor* a, const NamedTensor* b) { return a->tensor.dtype() > b->tensor.dtype(); });
  return order;
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

std::string header_for(std::span<const NamedTensor* const> order, const Metadata& metadata) {
  std::string json = "{";
  if (!metadata.empty()) append_metadata(json, metadata);
  std::uint64_t end = 0;
  for (const NamedTensor* t : order) {
    const std::uint64_t begin = end;
    end += t->tensor.bytes();
    if (json.size() > 1) json += ',';
    append_json_string(json, t->name);
    json += fmt::format(R"(:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name(t->tensor.dtype()),
                        fmt::join(t->tensor.shape(), ","), begin, end);
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  if (json.size() > kLongestHeader)
    fail(ErrorCategory::limit, "[save] the header would have {} bytes, but readers accept at most {}", json.size(),
         kLongestHeader);
  return json;
}

}  // namespace

void save(const std::filesystem::path& path, std::span<const NamedTensor> tensors, const Metadata& metadata) {
  const std::vector<const NamedTensor*> order = in_file_order(tensors);
  const std::string header = header_for(order, metadata);
  std::array<std::byte, kLengthField> length{};
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i));

  AtomicFile file(path);
  file.write(length);
  file.write(std::as_bytes(std::span(header)));
  for (const NamedTensor* t : order) file.write({t->tensor.data(), t->tensor.bytes()});
  file.commit();
}

}  // namespace safelight
