#include "core/ranges.h"

#include <algorithm>
#include <iterator>

namespace safelight {

void Ranges::insert(std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  auto next = ends_.upper_bound(begin);
  if (next != ends_.begin() && std::prev(next)->second >= begin) --next;
  for (; next != ends_.end() && next->first <= end; next = ends_.erase(next)) {
    begin = std::min(begin, next->first);
    end = std::max(end, next->second);
    total_ -= next->second - next->first;
  }
  ends_.emplace_hint(next, begin, end);
  total_ += end - begin;
}

void Ranges::erase(std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  auto next = ends_.upper_bound(begin);
  if (next != ends_.begin() && std::prev(next)->second > begin) --next;
  while (next != ends_.end() && next->first < end) {
    const auto [first, last] = *next;
    next = ends_.erase(next);
    total_ -= last - first;
    if (first < begin) insert(first, begin);
    if (last > end) insert(end, last);
  }
}

std::optional<std::size_t> Ranges::first_of(std::size_t size) const {
  const auto found = std::ranges::find_if(ends_, [&](const auto& range) { return range.second - range.first >= size; });
  return found == ends_.end() ? std::nullopt : std::optional(found->first);
}

}  // namespace safelight
