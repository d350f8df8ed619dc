// Sets of numbers that are stretches of them, such as the free places of some memory.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

namespace safelight {

// Disjoint, each as long as it can be: neighbours are one. Operations take time with the number of ranges they meet.
class Ranges {
 public:
  void insert(std::size_t begin, std::size_t end);
  void erase(std::size_t begin, std::size_t end);

  // Where the first range begins that is at least `size` long.
  std::optional<std::size_t> first_of(std::size_t size) const;

  // All of them together.
  std::size_t total() const noexcept { return total_; }

  auto begin() const noexcept { return ends_.begin(); }  // pairs of begin and end
  auto end() const noexcept { return ends_.end(); }

 private:
  std::map<std::size_t, std::size_t> ends_;  // by where they begin
  std::size_t total_ = 0;
};

}  // namespace safelight
