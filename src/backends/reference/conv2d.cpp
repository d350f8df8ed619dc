#include <vector>

#include "backends/reference/layers.h"

namespace safelight::reference {
namespace {

class ReferenceConv2d final : public Conv2d {
 public:
  ReferenceConv2d(const Conv2dSpec& spec, Backend& backend, const Weight& weight, const Tensor& bias)
      : Conv2d(spec, backend),
        bias_(bias_or_zeros(bias, spec.out)),
        packed_(Tensor::allocate(DType::F32, weight.values.shape())) {
    // File order is [out, in, ky, kx]; here [ky, kx, in, out], so that the inner loop runs over output channels.
    const Tensor stored = scaled_values(weight);
    const std::int64_t taps = spec.kernel * spec.kernel;
    const float* from = stored.floats().data();
    float* to = packed_.mutable_floats().data();
    for (std::int64_t o = 0; o < spec.out; ++o)
      for (std::int64_t i = 0; i < spec.in; ++i)
        for (std::int64_t t = 0; t < taps; ++t)
          to[(t * spec.in + i) * spec.out + o] = from[(o * spec.in + i) * taps + t];
  }

 private:
  bool normalises(const Tensor&) const override { return false; }

  void run(const Tensor& x, const Normalisation*, const Epilogue& tail, Tensor& y) override {
    std::vector<double> sums(static_cast<std::size_t>(spec_.out));
    for (std::int64_t n = 0; n < y.dim(0); ++n)
      for (std::int64_t oy = 0; oy < y.dim(1); ++oy)
        for (std::int64_t ox = 0; ox < y.dim(2); ++ox) {
          sums.assign(bias_.floats().begin(), bias_.floats().end());
          for (int ky = 0; ky < spec_.kernel; ++ky)
            for (int kx = 0; kx < spec_.kernel; ++kx)
              add_tap(x, n, oy * spec_.stride + ky - spec_.padding.top, ox * spec_.stride + kx - spec_.padding.left,
                      ky * spec_.kernel + kx, sums);
          store_row(sums, tail, n, ((n * y.dim(1) + oy) * y.dim(2) + ox) * spec_.out, y);
        }
  }

  // sums += weights of one kernel position times the input pixel (iy, ix), given after upsampling; zero outside.
  void add_tap(const Tensor& x, std::int64_t n, std::int64_t iy, std::int64_t ix, std::int64_t tap,
               std::vector<double>& sums) const {
    const std::int64_t scale = spec_.upsample ? 2 : 1;
    if (iy < 0 || iy >= x.dim(1) * scale || ix < 0 || ix >= x.dim(2) * scale) return;
    const float* pixel = x.floats().data() + ((n * x.dim(1) + iy / scale) * x.dim(2) + ix / scale) * spec_.in;
    const float* w = packed_.floats().data() + tap * spec_.in * spec_.out;
    for (std::int64_t i = 0; i < spec_.in; ++i, w += spec_.out)
      for (std::size_t o = 0; o < sums.size(); ++o)
        sums[o] += static_cast<double>(pixel[i]) * static_cast<double>(w[o]);
  }

  Tensor bias_, packed_;
};

}  // namespace

std::unique_ptr<Conv2d> make_conv2d(const Conv2dSpec& spec, Backend& backend, const Weight& weight,
                                    const Tensor& bias) {
  check_conv2d_weights(spec, weight, bias);
  return std::make_unique<ReferenceConv2d>(spec, backend, weight, bias);
}

}  // namespace safelight::reference
