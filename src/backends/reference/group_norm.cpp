#include <cmath>

#include "backends/reference/layers.h"

namespace safelight::reference {
namespace {

class ReferenceGroupNorm final : public GroupNorm {
 public:
  ReferenceGroupNorm(const GroupNormSpec& spec, Backend& backend, const Tensor& weight, const Tensor& bias)
      : GroupNorm(spec, backend), weight_(to_f32(weight)), bias_(to_f32(bias)) {}

 private:
  void run(const Joined& x, Tensor& y) override {
    for (std::int64_t n = 0; n < x.a.dim(0); ++n)
      for (std::int64_t g = 0; g < spec_.groups; ++g) normalise(x, n, g, y);
  }

  void normalise(const Joined& x, std::int64_t n, std::int64_t g, Tensor& y) const {
    const std::int64_t channels = spec_.channels, width = channels / spec_.groups;
    const std::int64_t pixels = x.elements() / (x.a.dim(0) * channels);
    const std::int64_t from_a = x.a.shape().back(), from_b = channels - from_a;
    const auto value_at = [&](std::int64_t row, std::int64_t c) {
      const float value = c < from_a ? x.a.floats()[static_cast<std::size_t>(row * from_a + c)]
                                     : x.b->floats()[static_cast<std::size_t>(row * from_b + c - from_a)];
      return static_cast<double>(value);
    };
    const double count = static_cast<double>(pixels * width);
    const auto for_each = [&](auto&& visit) {
      for (std::int64_t row = n * pixels; row < (n + 1) * pixels; ++row)
        for (std::int64_t c = g * width; c < (g + 1) * width; ++c) visit(row, c);
    };
    double sum = 0, squares = 0;
    for_each([&](std::int64_t row, std::int64_t c) { sum += value_at(row, c); });
    const double mean = sum / count;
    for_each([&](std::int64_t row, std::int64_t c) {
      const double distance = value_at(row, c) - mean;
      squares += distance * distance;
    });
    const double scale = 1 / std::sqrt(squares / count + static_cast<double>(spec_.epsilon));
    for_each([&](std::int64_t row, std::int64_t c) {
      const auto channel = static_cast<std::size_t>(c);
      const double value = (value_at(row, c) - mean) * scale * weight_.floats()[channel] + bias_.floats()[channel];
      y.mutable_floats()[static_cast<std::size_t>(row * channels + c)] =
          static_cast<float>(activate(value, spec_.activation));
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
