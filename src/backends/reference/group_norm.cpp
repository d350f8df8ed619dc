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
    for_each_group(x, [&](const Group& group) {
      const Statistics of_group = statistics(group);
      group.for_each([&](std::int64_t row, std::int64_t c) {
        const auto channel = static_cast<std::size_t>(c);
        const double value = (group.value_at(row, c) - of_group.mean) * of_group.scale * weight_.floats()[channel] +
                             bias_.floats()[channel];
        y.mutable_floats()[static_cast<std::size_t>(row * spec_.channels + c)] =
            static_cast<float>(activate(value, spec_.activation));
      });
    });
  }

  void run_coefficients(const Tensor& x, Tensor& y) override {
    for_each_group(x, [&](const Group& group) {
      const auto [mean, scale] = statistics(group);
      for (std::int64_t c = group.first_channel; c < group.last_channel; ++c) {
        const auto channel = static_cast<std::size_t>(c);
        float* to = y.mutable_floats().data() + group.image * 3 * spec_.channels + c;
        to[0] = static_cast<float>(mean);
        to[spec_.channels] = static_cast<float>(scale * weight_.floats()[channel]);
        to[2 * spec_.channels] = bias_.floats()[channel];
      }
    });
  }

  // One group of channels of one image.
  struct Group {
    const Joined& x;
    std::int64_t image, first_channel, last_channel, first_row, last_row;

    double value_at(std::int64_t row, std::int64_t c) const {
      const std::int64_t from_a = x.a.shape().back();
      return static_cast<double>(c < from_a
                                     ? x.a.floats()[static_cast<std::size_t>(row * from_a + c)]
                                     : x.b->floats()[static_cast<std::size_t>(row * x.b->shape().back() + c - from_a)]);
    }
    template <class Visit>  // visit(row, channel)
    void for_each(Visit&& visit) const {
      for (std::int64_t row = first_row; row < last_row; ++row)
        for (std::int64_t c = first_channel; c < last_channel; ++c) visit(row, c);
    }
    double count() const { return static_cast<double>((last_row - first_row) * (last_channel - first_channel)); }
  };

  template <class Use>
  void for_each_group(const Joined& x, Use&& use) const {
    const std::int64_t images = x.a.dim(0), width = spec_.channels / spec_.groups;
    const std::int64_t rows = images ? x.elements() / (images * spec_.channels) : 0;
    for (std::int64_t n = 0; n < images; ++n)
      for (std::int64_t g = 0; g < spec_.groups; ++g)
        use(Group{x, n, g * width, (g + 1) * width, n * rows, (n + 1) * rows});
  }

  struct Statistics {
    double mean, scale;  // scale: one over the deviation
  };
  Statistics statistics(const Group& group) const {
    double sum = 0, squares = 0;
    group.for_each([&](std::int64_t row, std::int64_t c) { sum += group.value_at(row, c); });
    const double mean = sum / group.count();
    group.for_each([&](std::int64_t row, std::int64_t c) {
      const double distance = group.value_at(row, c) - mean;
      squares += distance * distance;
    });
    return {mean, 1 / std::sqrt(squares / group.count() + static_cast<double>(spec_.epsilon))};
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
