#include <algorithm>

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
    GroupNormCall call{.x = x.a.floats().data(),
                       .rest = x.b ? x.b->floats().data() : nullptr,
                       .weight = weight_.floats().data(),
                       .bias = bias_.floats().data(),
                       .y = y.mutable_floats().data(),
                       .x_channels = x.a.shape().back(),
                       .images = x.a.dim(0),
                       .pixels = x.elements() / (x.a.dim(0) * spec_.channels),
                       .channels = spec_.channels,
                       .groups = spec_.groups,
                       .epsilon = spec_.epsilon,
                       .silu = spec_.activation == Activation::silu,
                       .pixel_block = std::max<std::int64_t>(1, kBlockFloats / spec_.channels)};
    const std::int64_t tasks = call.images * call.pixel_blocks(), scratch_floats = 2 * call.channels;
    constexpr std::int64_t kMomentFloats = sizeof(Moments) / sizeof(float);
    Tensor blocks = engine_.empty({tasks * call.groups, kMomentFloats});
    Tensor groups = engine_.empty({call.images * call.groups, kMomentFloats});
    call.block_moments = reinterpret_cast<Moments*>(blocks.mutable_data());
    call.moments = reinterpret_cast<Moments*>(groups.mutable_data());
    engine_.for_each_with_scratch(tasks, scratch_floats, [&](std::int64_t task, float* scratch) {
      engine_.kernels.group_norm_moments(call, task, scratch);
    });
    engine_.for_each(call.images, [&](std::int64_t image) { combine_blocks(call, image); });
    engine_.for_each_with_scratch(tasks, scratch_floats, [&](std::int64_t task, float* scratch) {
      engine_.kernels.group_norm_apply(call, task, scratch);
    });
  }

  // In the order of the blocks, whichever thread made them.
  static void combine_blocks(const GroupNormCall& call, std::int64_t image) {
    const std::int64_t in_group = call.channels / call.groups;
    const auto width = static_cast<double>(in_group);
    Moments* all = call.moments + image * call.groups;
    const Moments* block = call.block_moments + image * call.pixel_blocks() * call.groups;
    std::copy_n(block, call.groups, all);
    double before = width * static_cast<double>(std::min(call.pixel_block, call.pixels));
    for (std::int64_t b = 1; b < call.pixel_blocks(); ++b) {
      block += call.groups;
      const double count = width * static_cast<double>(std::min(call.pixel_block, call.pixels - b * call.pixel_block));
      for (std::int64_t g = 0; g < call.groups; ++g) all[g] = combine(all[g], before, block[g], count);
      before += count;
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
