#include "format/name_index.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <tuple>

namespace safelight {
namespace {

std::size_t hash(std::string_view name) noexcept { return std::hash<std::string_view>{}(name); }

}  // namespace

NameIndex::NameIndex(std::span<const TensorInfo> tensors)
    : ends_(std::bit_ceil(std::max<std::size_t>(tensors.size(), 1))), positions_(tensors.size()) {
  std::vector<std::uint32_t> bucket_of(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    bucket_of[i] = static_cast<std::uint32_t>(hash(tensors[i].name) & (buckets() - 1));
    ++ends_[bucket_of[i]];
  }
  std::exclusive_scan(ends_.begin(), ends_.end(), ends_.begin(), std::uint32_t{0});  // the starts, which filling moves
  for (std::size_t i = 0; i < tensors.size(); ++i) positions_[ends_[bucket_of[i]]++] = static_cast<std::uint32_t>(i);
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    return std::tie(tensors[a].name, a) < std::tie(tensors[b].name, b);
  };
  std::uint32_t start = 0;
  for (const std::uint32_t end : ends_) {
    if (end - start > 1) std::sort(positions_.begin() + start, positions_.begin() + end, before);
    start = end;
  }
}

std::span<const std::uint32_t> NameIndex::bucket(std::size_t index) const noexcept {
  const std::size_t start = index == 0 ? 0 : ends_[index - 1];
  return std::span(positions_).subspan(start, ends_[index] - start);
}

const TensorInfo* NameIndex::find(std::span<const TensorInfo> tensors, std::string_view name) const noexcept {
  if (positions_.empty()) return nullptr;
  const std::span<const std::uint32_t> candidates = bucket(hash(name) & (buckets() - 1));
  const auto place = std::lower_bound(candidates.begin(), candidates.end(), name,
                                      [&](std::uint32_t i, std::string_view n) { return tensors[i].name < n; });
  return place != candidates.end() && tensors[*place].name == name ? &tensors[*place] : nullptr;
}

std::vector<std::size_t> NameIndex::repeated(std::span<const TensorInfo> tensors, bool keep_last) const {
  std::vector<std::size_t> positions;
  for (std::size_t b = 0; b < buckets(); ++b) {
    const std::span<const std::uint32_t> same = bucket(b);
    for (std::size_t i = 1; i < same.size(); ++i)
      if (tensors[same[i - 1]].name == tensors[same[i]].name) positions.push_back(same[keep_last ? i - 1 : i]);
  }
  std::sort(positions.begin(), positions.end());
  return positions;
}

void drop_positions(std::vector<TensorInfo>& tensors, std::span<const std::size_t> positions) {
  if (positions.empty()) return;
  std::size_t kept = positions.front();
  for (std::size_t i = kept; i < tensors.size(); ++i) {
    if (!positions.empty() && positions.front() == i)
      positions = positions.subspan(1);
    else
      tensors[kept++] = std::move(tensors[i]);
  }
  tensors.resize(kept);
}

}  // namespace safelight
