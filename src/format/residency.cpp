#include "format/residency.h"

#include <algorithm>
#include <vector>

#include "format/safetensors_state.h"

namespace safelight {

std::uint64_t bytes_below(const SafeTensors& file, std::string_view prefix) {
  std::uint64_t sum = 0;
  for (const TensorInfo& info : file.tensors())
    if (std::string_view(info.name).starts_with(prefix)) sum += info.bytes();
  return sum;
}

void release_pages(const SafeTensors& file, std::string_view prefix) {
  std::vector<const TensorInfo*> chosen;
  for (const TensorInfo& info : file.tensors())
    if (std::string_view(info.name).starts_with(prefix)) chosen.push_back(&info);
  release_pages(file, chosen);
}

void release_pages(const SafeTensors& file, std::span<const TensorInfo* const> tensors) {
  const std::shared_ptr<const MappedFile>& mapping = FormatAccess::state(file).mapping;
  if (!mapping) return;
  struct Range {
    std::uint64_t begin, end;
  };
  std::vector<Range> ranges;
  for (const TensorInfo* info : tensors) ranges.push_back({file.offset(*info), file.offset(*info) + info->bytes()});
  std::ranges::sort(ranges, {}, &Range::begin);
  for (std::size_t i = 0; i < ranges.size();) {
    Range joined = ranges[i];  // neighbours together: a page may be shared by many small ones
    for (++i; i < ranges.size() && ranges[i].begin <= joined.end; ++i) joined.end = std::max(joined.end, ranges[i].end);
    mapping->release(joined.begin, joined.end - joined.begin);
  }
}

}  // namespace safelight
