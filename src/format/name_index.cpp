#include "format/name_index.h"

#include <algorithm>
#include <functional>
#include <tuple>

namespace safelight {
namespace {

std::uint64_t hash(std::string_view name) noexcept { return std::hash<std::string_view>{}(name); }

}  // namespace

NameIndex::NameIndex(std::span<const TensorInfo> tensors) {
  slots_.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) slots_.emplace_back(hash(tensors[i].name), i);
  std::sort(slots_.begin(), slots_.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return std::tie(tensors[a.second].name, a.second) < std::tie(tensors[b.second].name, b.second);
  });
}

const TensorInfo* NameIndex::find(std::span<const TensorInfo> tensors, std::string_view name) const noexcept {
  const std::pair<std::uint64_t, std::string_view> key(hash(name), name);
  const auto slot = std::lower_bound(slots_.begin(), slots_.end(), key, [&](const auto& s, const auto& k) {
    return std::pair<std::uint64_t, std::string_view>(s.first, tensors[s.second].name) < k;
  });
  return slot != slots_.end() && tensors[slot->second].name == name ? &tensors[slot->second] : nullptr;
}

std::vector<std::size_t> NameIndex::repeated(std::span<const TensorInfo> tensors, bool keep_last) const {
  std::vector<std::size_t> positions;
  for (std::size_t i = 1; i < slots_.size(); ++i)
    if (slots_[i - 1].first == slots_[i].first && tensors[slots_[i - 1].second].name == tensors[slots_[i].second].name)
      positions.push_back(slots_[keep_last ? i - 1 : i].second);
  std::sort(positions.begin(), positions.end());
  return positions;
}

}  // namespace safelight
