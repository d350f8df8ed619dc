#include <algorithm>
#include <vector>

#include "backends/reference/layers.h"

namespace safelight::reference {
namespace {

class ReferenceLinear final : public Linear {
 public:
  ReferenceLinear(const LinearSpec& spec, Backend& backend, const Weight& weight, const Tensor& bias)
      : Linear(spec, backend),
        bias_(bias_or_zeros(bias, spec.out)),
        packed_(Tensor::allocate(DType::F32, {spec.in, spec.out})) {
    // File order is [out, in]; here [in, out], so that the inner loop runs over output channels.
    const Tensor stored = scaled_values(weight);
    for (std::int64_t o = 0; o < spec.out; ++o)
      for (std::int64_t i = 0; i < spec.in; ++i)
        packed_.mutable_floats()[static_cast<std::size_t>(i * spec.out + o)] =
            stored.floats()[static_cast<std::size_t>(o * spec.in + i)];
  }

 private:
  void run(const Joined& x, const Epilogue& tail, Tensor& y) override {
    const std::int64_t rows = x.elements() / spec_.in,
                       rows_per_image = std::max<std::int64_t>(1, rows / std::max<std::int64_t>(1, x.a.dim(0)));
    std::vector<double> sums(static_cast<std::size_t>(spec_.out));
    std::vector<float> buffer;
    for (std::int64_t row = 0; row < rows; ++row) {
      sums.assign(bias_.floats().begin(), bias_.floats().end());
      const std::span<const float> in = row_of(x, row, buffer);
      const float* w = packed_.floats().data();
      for (const float value : in) {
        for (std::size_t o = 0; o < sums.size(); ++o) sums[o] += static_cast<double>(value) * static_cast<double>(w[o]);
        w += spec_.out;
      }
      if (spec_.geglu) gate(sums);
      store_row({sums.data(), static_cast<std::size_t>(y.shape().back())}, tail, row / rows_per_image,
                row * y.shape().back(), y);
    }
  }

  Tensor bias_, packed_;
};

}  // namespace

std::unique_ptr<Linear> make_linear(const LinearSpec& spec, Backend& backend, const Weight& weight,
                                    const Tensor& bias) {
  check_linear_weights(spec, weight, bias);
  if (spec.precision == Precision::int8) return make_int8_linear(spec, backend, weight, bias);
  return std::make_unique<ReferenceLinear>(spec, backend, weight, bias);
}

}  // namespace safelight::reference
