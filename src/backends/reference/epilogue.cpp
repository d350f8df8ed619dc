#include <algorithm>
#include <cmath>
#include <numbers>

#include "backends/reference/layers.h"

namespace safelight::reference {

double activate(double value, Activation activation) {
  switch (activation) {
    case Activation::none:
      return value;
    case Activation::silu:
      return value / (1 + std::exp(-value));
    case Activation::gelu:
      return 0.5 * value * std::erfc(-value / std::numbers::sqrt2);
    case Activation::quick_gelu:
      return value / (1 + std::exp(-1.702 * value));
  }
  return value;
}

void gate(std::span<double> sums) {
  const std::size_t half = sums.size() / 2;
  for (std::size_t c = 0; c < half; ++c) sums[c] *= activate(sums[half + c], Activation::gelu);
}

Tensor bias_or_zeros(const Tensor& bias, std::int64_t channels) {
  if (bias) return to_f32(bias);
  Tensor zeros = Tensor::allocate(DType::F32, {channels});
  std::ranges::fill(zeros.mutable_floats(), 0.0f);
  return zeros;
}

void store_row(std::span<const double> sums, const Epilogue& tail, std::int64_t image, std::int64_t at, Tensor& y) {
  const std::size_t channels = sums.size(), first = static_cast<std::size_t>(at);
  for (std::size_t c = 0; c < channels; ++c) {
    double value = sums[c];
    if (tail.per_image) value += tail.per_image->floats()[static_cast<std::size_t>(image) * channels + c];
    value = activate(value, tail.activation);
    if (tail.residual) value += tail.residual->floats()[first + c];
    y.mutable_floats()[first + c] = static_cast<float>(value);
  }
}

}  // namespace safelight::reference
