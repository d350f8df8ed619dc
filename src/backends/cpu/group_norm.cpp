#include <algorithm>
#include <cmath>

#include "backends/cpu/ops.h"
#include "backends/cpu/product.h"

namespace safelight::cpu {
namespace {

using Moments = GroupNormCall::Moments;

// Floats of a block of pixels: it is read twice, so it should stay in the second-level cache.
constexpr std::int64_t kBlockFloats = 16 * 1024;

// The moments of two sets together (Chan et al. 1979).
Moments combine(const Moments& a, double a_count, const Moments& b, double b_count) {
  const double delta = b.mean - a.mean, count = a_count + b_count;
  return {a.mean + delta * b_count / count, a.squares + b.squares + delta * delta * a_count * b_count / count};
}

class CpuGroupNorm final : public GroupNorm {
 public:
  CpuGroupNorm(const GroupNormSpec& spec, Backend& backend, Engine& engine, const Tensor& weight, const Tensor& bias)
      : GroupNorm(spec, backend), engine_(engine), weight_(as_floats(weight)), bias_(as_floats(bias)) {}

 private:
  void run(const Joined& x, Tensor& y) override {
    if (x.elements() == 0) return;
    Tensor coefficients = engine_.empty({x.a.dim(0), 3, spec_.channels});
    GroupNormCall call = call_for(x);
    measure(call, coefficients);
    call.norm = {coefficients.floats().data(), spec_.activation == Activation::silu};
    call.y = y.mutable_floats().data();
    engine_.for_each(call.images * call.pixel_blocks(),
                     [&](std::int64_t task) { engine_.kernels.group_norm_apply(call, task); });
  }

  void run_coefficients(const Tensor& x, Tensor& y) override {
    if (x.elements() > 0) measure(call_for(x), y);
  }

  GroupNormCall call_for(const Joined& x) const {
    return {.x = x.a.floats().data(),
            .rest = x.b ? x.b->floats().data() : nullptr,
            .x_channels = x.a.shape().back(),
            .images = x.a.dim(0),
            .pixels = x.elements() / (x.a.dim(0) * spec_.channels),
            .channels = spec_.channels,
            .groups = spec_.groups,
            .pixel_block = std::max<std::int64_t>(1, kBlockFloats / spec_.channels)};
  }

  void measure(GroupNormCall call, Tensor& coefficients) {
    const std::int64_t tasks = call.images * call.pixel_blocks();
    Tensor moments = engine_.empty({tasks * call.groups, sizeof(Moments) / sizeof(float)});
    call.moments = reinterpret_cast<Moments*>(moments.mutable_data());
    engine_.for_each_with_scratch(tasks, 2 * call.channels, [&](std::int64_t task, float* scratch) {
      engine_.kernels.group_norm_moments(call, task, scratch);
    });
    float* to = coefficients.mutable_floats().data();
    engine_.for_each(call.images, [&](std::int64_t image) {
      combine_blocks(call, image);
      write_coefficients(call, image, to + image * 3 * call.channels);
    });
  }

  // Into the first block's moments, in the order of the blocks, whichever thread made them.
  static void combine_blocks(const GroupNormCall& call, std::int64_t image) {
    const auto width = static_cast<double>(call.channels / call.groups);
    Moments *all = call.moments + image * call.pixel_blocks() * call.groups, *block = all;
    double before = width * static_cast<double>(std::min(call.pixel_block, call.pixels));
    for (std::int64_t b = 1; b < call.pixel_blocks(); ++b) {
      block += call.groups;
      const double count = width * static_cast<double>(std::min(call.pixel_block, call.pixels - b * call.pixel_block));
      for (std::int64_t g = 0; g < call.groups; ++g) all[g] = combine(all[g], before, block[g], count);
      before += count;
    }
  }

  void write_coefficients(const GroupNormCall& call, std::int64_t image, float* to) const {
    const Moments* moments = call.moments + image * call.pixel_blocks() * call.groups;
    const std::int64_t width = call.channels / call.groups;
    const auto count = static_cast<double>(call.pixels * width);
    for (std::int64_t c = 0; c < call.channels; ++c) {
      const Moments& m = moments[c / width];
      const double scale = 1 / std::sqrt(m.squares / count + static_cast<double>(spec_.epsilon));
      to[c] = static_cast<float>(m.mean);
      to[call.channels + c] = static_cast<float>(scale * weight_.floats()[static_cast<std::size_t>(c)]);
      to[2 * call.channels + c] = bias_.floats()[static_cast<std::size_t>(c)];
    }
  }

  Engine& engine_;
  Tensor weight_, bias_;
};

}  // namespace

std::unique_ptr<GroupNorm> make_group_norm(const GroupNormSpec& spec, Backend& backend, Engine& engine,
                                           const Tensor& weight, const Tensor& bias) {
  check_group_norm_weights(spec, weight, bias);
  return std::make_unique<CpuGroupNorm>(spec, backend, engine, weight, bias);
}

}  // namespace safelight::cpu
