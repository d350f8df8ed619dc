#include <cmath>

#include "backends/reference/layers.h"

namespace safelight::reference {
namespace {

class ReferenceLayerNorm final : public LayerNorm {
 public:
  ReferenceLayerNorm(const LayerNormSpec& spec, Backend& backend, const Tensor& weight, const Tensor& bias)
      : LayerNorm(spec, backend), weight_(to_f32(weight)), bias_(to_f32(bias)) {}

 private:
  void run(const Tensor& x, Tensor& y) override {
    const std::size_t channels = static_cast<std::size_t>(spec_.channels);
    for (std::size_t first = 0; first < x.floats().size(); first += channels) {
      const std::span<const float> row = x.floats().subspan(first, channels);
      double sum = 0, squares = 0;
      for (const float v : row) sum += v;
      const double mean = sum / static_cast<double>(channels);
      for (const float v : row) squares += (v - mean) * (v - mean);
      const double scale = 1 / std::sqrt(squares / static_cast<double>(channels) + static_cast<double>(spec_.epsilon));
      for (std::size_t c = 0; c < channels; ++c)
        y.mutable_floats()[first + c] =
            static_cast<float>((row[c] - mean) * scale * weight_.floats()[c] + bias_.floats()[c]);
    }
  }

  Tensor weight_, bias_;
};

}  // namespace

std::unique_ptr<LayerNorm> make_layer_norm(const LayerNormSpec& spec, Backend& backend, const Tensor& weight,
                                           const Tensor& bias) {
  check_layer_norm_weights(spec, weight, bias);
  return std::make_unique<ReferenceLayerNorm>(spec, backend, weight, bias);
}

}  // namespace safelight::reference
