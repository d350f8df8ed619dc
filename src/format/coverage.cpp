#include "format/coverage.h"

#include <algorithm>

namespace safelight {

bool Coverage::add(std::uint64_t begin, std::uint64_t end) {
  if (begin == end) return true;
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), std::pair(begin, std::uint64_t{0}),
                                     [](const auto& a, const auto& b) { return a.first < b.first; });
  const bool has_previous = next != ranges_.begin();
  if ((has_previous && std::prev(next)->second > begin) || (next != ranges_.end() && next->first < end)) return false;
  const bool joins_previous = has_previous && std::prev(next)->second == begin;
  const bool joins_next = next != ranges_.end() && next->first == end;
  if (joins_previous && joins_next) {
    std::prev(next)->second = next->second;
    ranges_.erase(next);
  } else if (joins_previous) {
    std::prev(next)->second = end;
  } else if (joins_next) {
    next->first = begin;
  } else {
    ranges_.insert(next, {begin, end});
  }
  return true;
}

bool Coverage::complete(std::uint64_t bytes) const noexcept {
  return bytes == 0 || (ranges_.size() == 1 && ranges_[0] == std::pair(std::uint64_t{0}, bytes));
}

std::uint64_t Coverage::total() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [begin, end] : ranges_) sum += end - begin;
  return sum;
}

}  // namespace safelight
