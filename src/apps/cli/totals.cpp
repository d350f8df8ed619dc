#include "apps/cli/totals.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/human.h"
#include "core/json_text.h"

namespace safelight::cli {

// Zero-size tensors aside, a file has at least half a byte per element, so that this fits.
std::uint64_t count_parameters(std::span<const TensorInfo> tensors) {
  std::uint64_t count = 0;
  for (const TensorInfo& t : tensors) count += t.bytes() * 8 / static_cast<std::uint64_t>(bits(t.dtype));
  return count;
}

std::uint64_t count_bytes(std::span<const TensorInfo> tensors) {
  std::uint64_t count = 0;
  for (const TensorInfo& t : tensors) count += t.bytes();
  return count;
}

std::string totals_line(std::span<const TensorInfo> tensors) {
  std::map<DType, std::uint64_t> by_dtype;
  for (const TensorInfo& t : tensors) by_dtype[t.dtype] += t.bytes();
  std::vector<std::pair<std::uint64_t, DType>> sums;
  sums.reserve(by_dtype.size());
  for (const auto& [dtype, bytes] : by_dtype) sums.emplace_back(bytes, dtype);
  std::sort(sums.rbegin(), sums.rend());
  std::vector<std::string> parts;
  parts.reserve(sums.size());
  for (const auto& [bytes, dtype] : sums) parts.push_back(human_bytes(bytes) + ' ' + std::string(name(dtype)));
  return fmt::format("{}, {}, {}{}{}", counted(tensors.size(), "tensor"),
                     counted(count_parameters(tensors), "parameter"), human_bytes(count_bytes(tensors)),
                     parts.empty() ? "" : ": ", fmt::join(parts, ", "));
}

std::string totals_json(std::span<const TensorInfo> tensors) {
  return fmt::format("{{\"tensors\":{},\"parameters\":{},\"bytes\":{}}}", tensors.size(), count_parameters(tensors),
                     count_bytes(tensors));
}

std::string metadata_json(const Metadata& metadata) {
  std::string out = "{";
  for (const auto& [key, value] : metadata)
    out += fmt::format("{}{}:{}", out.size() > 1 ? "," : "", json_string(key), json_string(value));
  return out + "}";
}

std::string texts_json(std::span<const std::string> texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? "," : "") + json_string(text);
  return out + "]";
}

std::string shape_text(std::span<const std::uint64_t> shape, std::size_t most) {
  if (shape.size() <= most) return fmt::format("[{}]", fmt::join(shape, ", "));
  return fmt::format("[{}, ... {} dimensions]", fmt::join(shape.first(most), ", "), shape.size());
}

}  // namespace safelight::cli
