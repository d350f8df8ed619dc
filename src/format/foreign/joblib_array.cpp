#include "format/foreign/joblib_array.h"

#include "format/foreign/numpy_objects.h"

namespace safelight::foreign {

std::optional<std::size_t> raw_bytes_after(const PickleRun& run, Ref object, std::span<const std::byte> rest) {
  const PickleValue& wrapper = run[object];
  if (wrapper.kind != PickleValue::Kind::object || !wrapper.has_state ||
      global_name(run, wrapper.callable) != "joblib.numpy_pickle.NumpyArrayWrapper")
    return std::nullopt;
  const auto shape = find_key(run, wrapper.state, "shape"), dtype = find_key(run, wrapper.state, "dtype");
  if (!shape || !dtype) return std::nullopt;
  // A wrapper may be built again and again: each time, only what an array can have is looked at.
  if (run[*shape].items.size() > kHighestRank) return std::nullopt;
  const auto type = as_numpy_type(run, *dtype);
  if (!type) return std::nullopt;

  std::uint64_t bytes = static_cast<std::uint64_t>(bits(type->dtype)) / 8;
  for (const Ref size : run[*shape].items)
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(run[size].number), &bytes)) return std::nullopt;
  // Newer versions align the array: the first byte says by how many more.
  const auto alignment = find_key(run, wrapper.state, "numpy_array_alignment_bytes");
  if (alignment && run[*alignment].kind != PickleValue::Kind::none) {
    if (rest.empty()) return std::nullopt;
    const auto padding = std::to_integer<std::uint64_t>(rest[0]) + 1;
    if (__builtin_add_overflow(bytes, padding, &bytes)) return std::nullopt;
  }
  if (bytes > rest.size()) return std::nullopt;
  return static_cast<std::size_t>(bytes);
}

}  // namespace safelight::foreign
