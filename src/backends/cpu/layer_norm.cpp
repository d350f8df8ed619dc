#include <algorithm>

#include "backends/cpu/ops.h"
#include "backends/cpu/product.h"

namespace safelight::cpu {
namespace {

constexpr std::int64_t kTaskFloats = 64 * 1024;  // some 20 us of work

class CpuLayerNorm final : public LayerNorm {
 public:
  CpuLayerNorm(const LayerNormSpec& spec, Backend& backend, Engine& engine, const Tensor& weight, const Tensor& bias)
      : LayerNorm(spec, backend), engine_(engine), weight_(as_floats(weight)), bias_(as_floats(bias)) {}

 private:
  void run(const Tensor& x, Tensor& y) override {
    const LayerNormCall call{.x = x.floats().data(),
                             .weight = weight_.floats().data(),
                             .bias = bias_.floats().data(),
                             .y = y.mutable_floats().data(),
                             .channels = spec_.channels,
                             .epsilon = spec_.epsilon};
    const std::int64_t rows = x.elements() / spec_.channels;
    const std::int64_t block = std::max<std::int64_t>(1, kTaskFloats / spec_.channels);
    engine_.for_each(divide_up(rows, block), [&](std::int64_t task) {
      engine_.kernels.layer_norm(call, task * block, std::min(rows, (task + 1) * block));
    });
  }

  Engine& engine_;
  Tensor weight_, bias_;
};

}  // namespace

std::unique_ptr<LayerNorm> make_layer_norm(const LayerNormSpec& spec, Backend& backend, Engine& engine,
                                           const Tensor& weight, const Tensor& bias) {
  check_layer_norm_weights(spec, weight, bias);
  return std::make_unique<CpuLayerNorm>(spec, backend, engine, weight, bias);
}

}  // namespace safelight::cpu
