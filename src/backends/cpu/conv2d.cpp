#include <vector>

#include "backends/cpu/ops.h"
#include "backends/cpu/product.h"
#include "backends/cpu/split_conv2d.h"
#include "backends/cpu/thin_conv2d.h"
#include "backends/cpu/winograd.h"

namespace safelight::cpu {
namespace {

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
  void run(const Tensor& x, const Epilogue& tail, Tensor& y) override {
    if (y.elements() == 0) return;
    const bool plain = tail.activation == Activation::none && !tail.per_image && !tail.residual;
    if (thin_ && plain) return run_thin_conv2d(engine_, spec_, thin_, bias_, x, y);
    const ProductCall call{
        .weight = {weight_.values.data(), weight_.values.dtype(), spec_.out, spec_.in, spec_.kernel * spec_.kernel},
        .source = {.x = x.floats().data(),
                   .zeros = zeros_.data(),
                   .height = x.dim(1),
                   .width = x.dim(2),
                   .channels = spec_.in,
                   .out_height = y.dim(1),
                   .out_width = y.dim(2),
                   .kernel = spec_.kernel,
                   .stride = spec_.stride,
                   .top = spec_.padding.top,
                   .left = spec_.padding.left,
                   .upsample = spec_.upsample},
        .tail = make_tail(tail, weight_.scales, bias_, y.dim(1) * y.dim(2)),
        .y = y.mutable_floats().data(),
        .rows = y.elements() / spec_.out,
        .channels = spec_.out,
        .rounded = spec_.precision == Precision::bf16};
    const int tile_side = winograd_tile_side(spec_, call);
    if (takes_split_conv2d(engine_, call, tile_side > 0))
      run_split_conv2d(engine_, call);
    else if (tile_side > 0)
      run_winograd(engine_, call, tile_side);
    else
      run_product(engine_, call);
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
