#include <cmath>

#include "backends/reference/layers.h"

namespace safelight::reference {
namespace {

class ReferenceGroupNorm final : public GroupNorm {
 public:
  ReferenceGroupNorm(const GroupNormSpec& spec, Backend& backend, const Tensor& weight, const Tensor& bias)
      : GroupNorm(spec, backend), weight_(to_f32(weight)), bias_(to_f32(bias)) {}

 private:
  void run(const Joined& joined, Tensor& y) override {
    const Tensor x = whole(joined);
    for (std::int64_t n = 0; n < x.dim(0); ++n)
      for (std::int64_t g = 0; g < spec_.groups; ++g) normalise(x, n, g, y);
  }

  void normalise(const Tensor& x, std::int64_t n, std::int64_t g, Tensor& y) const {
    const std::int64_t channels = spec_.channels, width = channels / spec_.groups;
    const std::int64_t pixels = x.elements() / (x.dim(0) * channels);
    const double count = static_cast<double>(pixels * width);
    const auto for_each = [&](auto&& visit) {
      for (std::int64_t p = 0; p < pixels; ++p)
        for (std::int64_t c = g * width; c < (g + 1) * width; ++c)
          visit(static_cast<std::size_t>((n * pixels + p) * channels + c), static_cast<std::size_t>(c));
    };
    double sum = 0, squares = 0;
    for_each([&](std::size_t i, std::size_t) { sum += x.floats()[i]; });
    const double mean = sum / count;
    for_each([&](std::size_t i, std::size_t) { squares += (x.floats()[i] - mean) * (x.floats()[i] - mean); });
    const double scale = 1 / std::sqrt(squares / count + static_cast<double>(spec_.epsilon));
    for_each([&](std::size_t i, std::size_t c) {
      const double value = (x.floats()[i] - mean) * scale * weight_.floats()[c] + bias_.floats()[c];
      y.mutable_floats()[i] = static_cast<float>(activate(value, spec_.activation));
    });
  }

  Tensor weight_, bias_;
};

}  // namespace

std::unique_ptr<GroupNorm> make_group_norm(const GroupNormSpec& spec, Backend& backend, const Tensor& weight,
                                           const Tensor& bias) {
  check_group_norm_weights(spec, weight, bias);
  return std::make_unique<ReferenceGroupNorm>(spec, backend, weight, bias);
}

}  // namespace safelight::reference
