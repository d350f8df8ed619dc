#include <algorithm>

#include "backends/reference/layers.h"

namespace safelight::reference {

void concat(const Tensor& a, const Tensor& b, Tensor& y) {
  const std::size_t ca = static_cast<std::size_t>(a.shape().back()), cb = static_cast<std::size_t>(b.shape().back());
  const std::size_t pixels = ca + cb > 0 ? y.floats().size() / (ca + cb) : 0;
  auto out = y.mutable_floats().begin();
  for (std::size_t p = 0; p < pixels; ++p) {
    out = std::ranges::copy(a.floats().subspan(p * ca, ca), out).out;
    out = std::ranges::copy(b.floats().subspan(p * cb, cb), out).out;
  }
}

std::span<const float> row_of(const Joined& x, std::int64_t row, std::vector<float>& buffer) {
  const auto of = [&](const Tensor& t) {
    const std::int64_t channels = t.shape().back();
    return t.floats().subspan(static_cast<std::size_t>(row * channels), static_cast<std::size_t>(channels));
  };
  if (!x.b) return of(x.a);
  const std::span<const float> a = of(x.a), b = of(*x.b);
  buffer.assign(a.begin(), a.end());
  buffer.insert(buffer.end(), b.begin(), b.end());
  return buffer;
}

}  // namespace safelight::reference
