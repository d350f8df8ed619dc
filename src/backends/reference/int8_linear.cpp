#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/reference/layers.h"
#include "ops/quantise.h"

namespace safelight::reference {
namespace {

// A row of whole numbers, and what one of them stands for.
struct Rounded {
  std::vector<std::int64_t> numbers;
  float unit;
};

Rounded round_row(std::span<const float> row, float largest = 0) {
  for (const float v : row) largest = std::max(largest, std::isfinite(v) ? std::fabs(v) : HUGE_VALF);
  const Int8Scale scale = int8_scale(largest);
  Rounded result{std::vector<std::int64_t>(row.size()), scale.unit};
  if (std::isfinite(scale.unit))
    std::ranges::transform(row, result.numbers.begin(),
                           [&](float v) { return static_cast<std::int64_t>(std::nearbyint(v * scale.factor)); });
  return result;
}

// Exact sums of whole numbers; everything else in double precision.
class ReferenceInt8Linear final : public Linear {
 public:
  ReferenceInt8Linear(const LinearSpec& spec, Backend& backend, const Weight& weight, const Tensor& bias)
      : Linear(spec, backend), bias_(bias_or_zeros(bias, spec.out)) {
    const Tensor rows = to_f32(weight.values).reshaped({spec.out, spec.in});
    const float least = weight.values.dtype() == DType::I8 ? kLargestWhole : 0;
    std::vector<float> buffer;
    for (std::int64_t o = 0; o < spec.out; ++o) {
      rows_.push_back(round_row(row_of(rows, o, buffer), least));
      if (weight.scales) rows_.back().unit *= weight.scales.floats()[static_cast<std::size_t>(o)];
    }
  }

 private:
  void run(const Joined& x, const Epilogue& tail, Tensor& y) override {
    const std::int64_t rows = x.elements() / spec_.in,
                       rows_per_image = std::max<std::int64_t>(1, rows / std::max<std::int64_t>(1, x.a.dim(0)));
    std::vector<double> sums(rows_.size());
    std::vector<float> buffer;
    for (std::int64_t row = 0; row < rows; ++row) {
      const Rounded in = round_row(row_of(x, row, buffer));
      for (std::size_t o = 0; o < sums.size(); ++o) {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < in.numbers.size(); ++i) sum += in.numbers[i] * rows_[o].numbers[i];
        sums[o] = static_cast<double>(sum) * static_cast<double>(rows_[o].unit) * static_cast<double>(in.unit) +
                  static_cast<double>(bias_.floats()[o]);
      }
      if (spec_.geglu) gate(sums);
      store_row({sums.data(), static_cast<std::size_t>(y.shape().back())}, tail, row / rows_per_image,
                row * y.shape().back(), y);
    }
  }

  Tensor bias_;
  std::vector<Rounded> rows_;  // of W
};

}  // namespace

std::unique_ptr<Linear> make_int8_linear(const LinearSpec& spec, Backend& backend, const Weight& weight,
                                         const Tensor& bias) {
  return std::make_unique<ReferenceInt8Linear>(spec, backend, weight, bias);
}

}  // namespace safelight::reference
