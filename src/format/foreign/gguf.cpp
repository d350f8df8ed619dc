#include "format/foreign/gguf.h"

#include <algorithm>
#include <set>

#include "core/fail.h"
#include "core/utf8.h"
#include "format/foreign/byte_cursor.h"
#include "format/foreign/gguf_value.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

constexpr std::string_view kMagic = "GGUF", kAlignmentKey = "general.alignment", kMark = "gguf:";
constexpr std::uint64_t kShortestMetadata = 8 + 4 + 1, kShortestTensor = 8 + 4 + 4 + 8;
constexpr std::uint64_t kLargestAlignment = std::uint64_t{1} << 20;

template <class... Args>
[[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCategory::format, "[gguf] " + fmt::format(format, std::forward<Args>(args)...));
}

std::uint32_t read_version(ByteCursor& at) {
  if (at.remaining() < kMagic.size() || at.take_text(kMagic.size()) != kMagic)
    bad("the file does not begin with \"GGUF\"");
  const auto version = at.read<std::uint32_t>();
  if (version == 1) bad("this is version 1 of the format, which no program writes since 2023; expected 2 or 3");
  if (__builtin_bswap32(version) == 3) bad("this is a big-endian file, which is not read");
  if (version != 2 && version != 3) bad("this is version {} of the format; expected 2 or 3", version);
  return version;
}

std::string_view take_name(ByteCursor& at, std::string_view what) {
  const std::size_t position = at.position();
  const auto length = at.read<std::uint64_t>();
  if (length > kLongestGgufName)
    bad("the {} at byte {} has {} bytes, more than {}", what, position, length, kLongestGgufName);
  const std::string_view name = at.take_text(length);
  if (!is_utf8(name)) bad("the {} at byte {} is not UTF-8: \"{}\"", what, position, shown(name));
  return name;
}

// Reads all metadata and returns the alignment that they ask for.
std::uint64_t read_metadata(ByteCursor& at, std::uint64_t count, GgufFile& file) {
  std::uint64_t alignment = kGgufAlignment;
  std::vector<std::string_view> keys;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string_view key = take_name(at, "metadata key");
    keys.push_back(key);
    const GgufValue value = take_gguf_value(at, at.read<std::uint32_t>());
    if (key == kAlignmentKey) {
      if (value.type != "u32") bad("general.alignment is of the type {}, expected u32", value.type);
      alignment = std::stoull(*value.text);
      if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > kLargestAlignment)
        bad("general.alignment is {}, expected a power of two up to {}", alignment, kLargestAlignment);
    } else if (!value.text || (value.type == "string" && !is_utf8(*value.text))) {
      file.not_kept.emplace_back(key);
    } else {
      const std::string marked =
          value.type == "string" ? std::string(key) : fmt::format("{}{}:{}", kMark, value.type, key);
      file.metadata[marked] = *value.text;
    }
  }
  std::sort(keys.begin(), keys.end());
  const auto same = std::adjacent_find(keys.begin(), keys.end());
  if (same != keys.end()) bad("the metadata key \"{}\" occurs twice", shown(*same));
  return alignment;
}

// Bytes of the tensor. Its product of sizes is checked to fit, and its rows to be whole blocks.
std::uint64_t bytes_of(const GgufTensor& tensor) {
  std::uint64_t elements = 1;
  for (const std::int64_t size : tensor.shape)
    if (__builtin_mul_overflow(elements, static_cast<std::uint64_t>(size), &elements) ||
        elements > static_cast<std::uint64_t>(INT64_MAX) / 8)
      bad("tensor \"{}\": the product of the shape {} is too large", shown(tensor.name), to_string(tensor.shape));
  const std::int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % static_cast<std::int64_t>(tensor.type->elements) != 0)
    bad("tensor \"{}\" has rows of {} elements, but {} comes in blocks of {}", shown(tensor.name), row,
        tensor.type->name, tensor.type->elements);
  return elements / tensor.type->elements * tensor.type->bytes;
}

GgufTensor read_tensor(ByteCursor& at, std::uint64_t& offset) {
  GgufTensor tensor{.name = take_name(at, "tensor's name")};
  const auto rank = at.read<std::uint32_t>();
  if (rank > kHighestGgufRank)
    bad("tensor \"{}\" has {} dimensions, more than {}", shown(tensor.name), rank, kHighestGgufRank);
  for (std::uint32_t i = 0; i < rank; ++i) {
    const auto size = at.read<std::uint64_t>();
    if (size > static_cast<std::uint64_t>(INT64_MAX))
      bad("tensor \"{}\" has a dimension of {}", shown(tensor.name), size);
    tensor.shape.push_back(static_cast<std::int64_t>(size));
  }
  std::reverse(tensor.shape.begin(), tensor.shape.end());
  const auto type = at.read<std::uint32_t>();
  tensor.type = find_ggml_type(type);
  if (!tensor.type && !unreadable_ggml_type(type).empty())
    bad("tensor \"{}\" is of the type {}, which is not read", shown(tensor.name), unreadable_ggml_type(type));
  if (!tensor.type) bad("tensor \"{}\" is of the unknown type {}", shown(tensor.name), type);
  offset = at.read<std::uint64_t>();
  return tensor;
}

// Neither overlaps nor names that occur twice: a reader that takes the one would be deceived about the other.
void check_apart(std::span<const GgufTensor> tensors) {
  std::vector<const GgufTensor*> order;
  for (const GgufTensor& t : tensors) order.push_back(&t);
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->name < b->name; });
  for (std::size_t i = 1; i < order.size(); ++i)
    if (order[i]->name == order[i - 1]->name) bad("two tensors are named \"{}\"", shown(order[i]->name));
  std::erase_if(order, [](const GgufTensor* t) { return t->bytes.empty(); });
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->bytes.data() < b->bytes.data(); });
  for (std::size_t i = 1; i < order.size(); ++i)
    if (order[i]->bytes.data() < order[i - 1]->bytes.data() + order[i - 1]->bytes.size())
      bad("tensors \"{}\" and \"{}\" overlap", shown(order[i - 1]->name), shown(order[i]->name));
}

}  // namespace

GgufFile parse_gguf(std::span<const std::byte> bytes) {
  ByteCursor at(bytes, "gguf");
  GgufFile file{.version = read_version(at)};
  const auto tensors = at.read<std::uint64_t>(), metadata = at.read<std::uint64_t>();
  if (tensors > at.remaining() / kShortestTensor || metadata > at.remaining() / kShortestMetadata)
    bad("the file claims {} tensors and {} metadata, more than its {} bytes can hold", tensors, metadata, bytes.size());
  const std::uint64_t alignment = read_metadata(at, metadata, file);

  std::vector<std::uint64_t> offsets(static_cast<std::size_t>(tensors));
  file.tensors.reserve(offsets.size());
  for (std::uint64_t& offset : offsets) file.tensors.push_back(read_tensor(at, offset));

  const std::uint64_t data = (at.position() + alignment - 1) / alignment * alignment;
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    GgufTensor& tensor = file.tensors[i];
    const std::uint64_t size = bytes_of(tensor);
    if (offsets[i] % alignment != 0)
      bad("tensor \"{}\" is at offset {}, which is no multiple of {}", shown(tensor.name), offsets[i], alignment);
    if (size == 0) continue;
    if (data > bytes.size() || offsets[i] > bytes.size() - data || size > bytes.size() - data - offsets[i])
      bad("tensor \"{}\" claims {} bytes at byte {}, but the file has {}", shown(tensor.name), size,
          data + std::min(offsets[i], UINT64_MAX - data), bytes.size());
    tensor.bytes = bytes.subspan(static_cast<std::size_t>(data + offsets[i]), static_cast<std::size_t>(size));
  }
  check_apart(file.tensors);
  return file;
}

bool looks_like_gguf(std::span<const std::byte> file) noexcept { return as_text(file).starts_with(kMagic); }

GgufMetadataBytes gguf_metadata(const Metadata& metadata) {
  GgufMetadataBytes result;
  std::set<std::string_view> keys;
  for (const auto& [marked, text] : metadata) {
    std::string_view key = marked, type = "string";
    if (key.starts_with(kMark) && key.find(':', kMark.size()) != std::string_view::npos) {
      const std::size_t end = key.find(':', kMark.size());
      type = key.substr(kMark.size(), end - kMark.size());
      key.remove_prefix(end + 1);
    }
    if (key == kAlignmentKey) continue;  // ours is the usual one
    if (key.size() > kLongestGgufName)
      fail(ErrorCategory::usage, "[gguf] a metadata key has {} bytes, more than {}: \"{}\"", key.size(),
           kLongestGgufName, shown(key));
    if (!keys.insert(key).second)
      fail(ErrorCategory::usage, "[gguf] two metadata would have the key \"{}\": one as text, one as \"{}\"",
           shown(key), shown(marked));
    append_text(result.bytes, key);
    if (!append_gguf_value(result.bytes, type, text))
      fail(ErrorCategory::usage, "[gguf] the metadata \"{}\" should be of the type {}, but is \"{}\"", shown(marked),
           shown(type), shown(text));
    ++result.count;
  }
  return result;
}

}  // namespace safelight::foreign
