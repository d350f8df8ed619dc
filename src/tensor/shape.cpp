#include <fmt/format.h>

#include "safelight/tensor.h"

namespace safelight {

std::int64_t elements(const Shape& shape) noexcept {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace safelight
