#include "format/layout.h"

#include <algorithm>
#include <tuple>

#include "core/human.h"
#include "format/rules.h"

namespace safelight {
namespace {

// Size in bits. Multiplied left to right, as the reference does: a zero hides an overflow only of what follows it.
std::uint64_t checked_bits(const TensorInfo& info) {
  std::uint64_t product = 1;
  bool overflow = false;
  for (const std::uint64_t size : info.shape) overflow = overflow || __builtin_mul_overflow(product, size, &product);
  overflow = overflow || __builtin_mul_overflow(product, static_cast<std::uint64_t>(bits(info.dtype)), &product);
  if (overflow)
    broken(Rule::size_overflow, "the shape of tensor \"{}\" has more bits than 64 bits can count", shown(info.name));
  return product;
}

// What is wrong with a range that does not begin where the last one ended.
std::string misplacement(const TensorInfo& info, std::uint64_t expected) {
  if (info.end < info.begin) return "it ends before it begins";
  if (info.begin < expected)
    return fmt::format("it overlaps the tensor before it by {}", exact_bytes(expected - info.begin));
  return fmt::format("{} before it belong to no tensor", exact_bytes(info.begin - expected));
}

[[noreturn]] void fail_coverage(std::span<const TensorInfo> tensors, std::uint64_t end, std::uint64_t data_bytes) {
  if (end < data_bytes)
    broken(Rule::file_coverage,
           "the tensors cover {} after the header, but {} follow: {} at the end belong to no tensor", exact_bytes(end),
           exact_bytes(data_bytes), exact_bytes(data_bytes - end));
  const auto cut =
      std::find_if(tensors.begin(), tensors.end(), [&](const TensorInfo& t) { return t.end > data_bytes; });
  broken(Rule::file_coverage,
         "tensor \"{}\" claims bytes up to {} of the data, but the file ends at {}: the tensors need {} in all, {} are "
         "missing, and {} of {} tensors are incomplete; fetch the file again",
         shown(cut->name), exact_bytes(cut->end), exact_bytes(data_bytes), human_bytes(end),
         human_bytes(end - data_bytes), human_count(static_cast<std::uint64_t>(tensors.end() - cut)),
         human_count(tensors.size()));
}

}  // namespace

void check_size(const TensorInfo& info) {
  const std::uint64_t size = checked_bits(info);
  if (size % 8 != 0)
    broken(Rule::packing, "tensor \"{}\" of {} has {} bits, which do not fill whole bytes", shown(info.name),
           name(info.dtype), size);
  if (info.bytes() != size / 8)
    broken(Rule::size_mismatch, "tensor \"{}\" needs {} by its shape and dtype {}, but its data_offsets hold {}",
           shown(info.name), exact_bytes(size / 8), name(info.dtype), exact_bytes(info.bytes()));
}

bool sort_by_offset(std::vector<TensorInfo>& tensors) {
  const auto before = [](const TensorInfo& a, const TensorInfo& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  };
  if (std::is_sorted(tensors.begin(), tensors.end(), before)) return false;
  std::stable_sort(tensors.begin(), tensors.end(), before);
  return true;
}

void check_layout(std::span<const TensorInfo> tensors, std::uint64_t data_bytes) {
  std::uint64_t end = 0;
  for (const TensorInfo& info : tensors) {
    if (info.begin != end || info.end < info.begin)
      broken(Rule::layout, "tensor \"{}\" has data_offsets [{}, {}], expected a range that begins at {}: {}",
             shown(info.name), info.begin, info.end, end, misplacement(info, end));
    check_size(info);
    end = info.end;
  }
  if (end != data_bytes) fail_coverage(tensors, end, data_bytes);
}

}  // namespace safelight
