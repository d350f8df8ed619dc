#include <vector>

#include "backends/cpu/ops.h"
#include "backends/cpu/product.h"
#include "backends/cpu/split_conv2d.h"
#include "backends/cpu/thin_conv2d.h"
#include "backends/cpu/winograd.h"

namespace safelight::cpu {
namespace {

// Of a smaller map, tasks share too many pixels, and each would normalise them.
constexpr std::int64_t kWorthNormalising = std::int64_t{1} << 20;

// A plain product where few channels come out, else taps by parts of bf16 or Winograd's filtering where one of them
// pays, else implicit GEMM. All but the first follow pointers to the pixels that each tap sees, so there is no im2col
// matrix, and no padded or upsampled copy of the picture.
class CpuConv2d final : public Conv2d {
 public:
  CpuConv2d(const Conv2dSpec& spec, Backend& backend, Engine& engine, const Weight& weight, const Tensor& bias)
      : Conv2d(spec, backend),
        engine_(engine),
        weight_(as_stored(weight)),
        bias_(as_floats(bias)),
        thin_(is_thin(spec) ? thin_weights(spec, weight) : Tensor()),
        zeros_(static_cast<std::size_t>(spec.in), 0.0f) {}

 private:
  bool normalises(const Tensor& x) const override {
    return x.elements() >= kWorthNormalising && !spec_.upsample &&
           algorithm_for(call_for(x, result_shape(x))) != Algorithm::product;
  }

  void run(const Tensor& x, const Normalisation* norm, const Epilogue& tail, Tensor& y) override {
    if (y.elements() == 0) return;
    const bool plain = tail.activation == Activation::none && !tail.per_image && !tail.residual;
    if (thin_ && plain) return run_thin_conv2d(engine_, spec_, thin_, bias_, x, y);
    ProductCall call = call_for(x, y.shape());
    call.source.x = x.floats().data();
    if (norm) call.source.norm = {norm->coefficients.floats().data(), norm->activation == Activation::silu};
    call.tail = make_tail(tail, weight_.scales, bias_, y);
    call.y = y.mutable_floats().data();
    switch (algorithm_for(call)) {
      case Algorithm::product:
        return run_product(engine_, call);
      case Algorithm::taps:
        return run_split_conv2d(engine_, call);
      case Algorithm::filtering:
        return run_winograd(engine_, call, winograd_tile_side(spec_, call));
    }
  }

  enum class Algorithm { product, taps, filtering };
  Algorithm algorithm_for(const ProductCall& call) const {
    const bool filters = winograd_tile_side(spec_, call) > 0;
    if (takes_split_conv2d(engine_, call, filters)) return Algorithm::taps;
    return filters ? Algorithm::filtering : Algorithm::product;
  }

  // What shapes decide; x and the result are not looked into.
  ProductCall call_for(const Tensor& x, const Shape& y) const {
    return {.weight = {weight_.values.data(), weight_.values.dtype(), spec_.out, spec_.in, spec_.kernel * spec_.kernel},
            .source = {.zeros = zeros_.data(),
                       .height = x.dim(1),
                       .width = x.dim(2),
                       .channels = spec_.in,
                       .out_height = y[1],
                       .out_width = y[2],
                       .kernel = spec_.kernel,
                       .stride = spec_.stride,
                       .top = spec_.padding.top,
                       .left = spec_.padding.left,
                       .upsample = spec_.upsample},
            .tail = {.rows_per_image = y[1] * y[2]},
            .rows = y[0] * y[1] * y[2],
            .channels = spec_.out,
            .rounded = spec_.precision == Precision::bf16};
  }

  Engine& engine_;
  Weight weight_;
  Tensor bias_, thin_;
  std::vector<float> zeros_;
};

}  // namespace

std::unique_ptr<Conv2d> make_conv2d(const Conv2dSpec& spec, Backend& backend, Engine& engine, const Weight& weight,
                                    const Tensor& bias) {
  check_conv2d_weights(spec, weight, bias);
  return std::make_unique<CpuConv2d>(spec, backend, engine, weight, bias);
}

}  // namespace safelight::cpu
