#include <fmt/format.h>

#include <algorithm>

#include "safelight/tensor.h"

namespace safelight {

std::int64_t elements(const Shape& shape) noexcept {
  // Looked for first: the sizes before a zero may overflow although there are no elements.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace safelight
