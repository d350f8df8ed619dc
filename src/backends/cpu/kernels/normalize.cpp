// Group and layer normalisation: statistics that hold when the mean is large against the deviation, in two passes over
// a block that stays in cache.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/normalize.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

// Mean and sum of squared distances of one channel vector over `pixels`, into means and squares.
void channel_moments(const float* x, std::int64_t stride, std::int64_t pixels, std::int64_t channels, float* means,
                     float* squares) {
  const V inverse = splat(1.0f / static_cast<float>(pixels));
  for (std::int64_t c = 0; c < channels; c += kLanes) {
    const std::int64_t left = channels - c;
    V sum = hn::Zero(D()), distances = hn::Zero(D());
    for (std::int64_t p = 0; p < pixels; ++p) sum = hn::Add(sum, load_some(x + p * stride + c, left));
    const V mean = hn::Mul(sum, inverse);
    for (std::int64_t p = 0; p < pixels; ++p) {
      const V distance = hn::Sub(load_some(x + p * stride + c, left), mean);
      distances = hn::MulAdd(distance, distance, distances);
    }
    store_some(mean, means + c, left);
    store_some(distances, squares + c, left);
  }
}

// Sum over a row of f(value), f given as a member `of` for a vector and for a float.
template <class F>
float sum_row(const float* row, std::int64_t count, const F& f) {
  V sums[4] = {hn::Zero(D()), hn::Zero(D()), hn::Zero(D()), hn::Zero(D())};
  std::int64_t c = 0;
  for (; c + 4 * kLanes <= count; c += 4 * kLanes) {
    SAFELIGHT_UNROLL
    for (int j = 0; j < 4; ++j) sums[j] = hn::Add(sums[j], f.of(load(row + c + j * kLanes)));
  }
  for (; c + kLanes <= count; c += kLanes) sums[0] = hn::Add(sums[0], f.of(load(row + c)));
  const V sum = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
  float total = hn::GetLane(hn::SumOfLanes(D(), sum));
  for (; c < count; ++c) total += f.of(row[c]);
  return total;
}

struct Value {
  HWY_INLINE V of(V v) const { return v; }
  float of(float v) const { return v; }
};

struct SquaredDistance {
  float mean;
  HWY_INLINE V of(V v) const {
    const V distance = hn::Sub(v, splat(mean));
    return hn::Mul(distance, distance);
  }
  float of(float v) const { return (v - mean) * (v - mean); }
};

template <bool kSilu>
void apply_row(const float* x, const float* means, const float* scales, const float* bias, std::int64_t channels,
               float* y) {
  for (std::int64_t c = 0; c < channels; c += kLanes) {
    const std::int64_t left = channels - c;
    const V centred = hn::Sub(load_some(x + c, left), load_some(means + c, left));
    V v = hn::MulAdd(centred, load_some(scales + c, left), load_some(bias + c, left));
    if constexpr (kSilu) v = silu(v);
    store_some(v, y + c, left);
  }
}

}  // namespace

void group_norm_moments(const GroupNormCall& call, std::int64_t task, float* scratch) {
  const std::int64_t image = task / call.pixel_blocks(), begin = task % call.pixel_blocks() * call.pixel_block;
  const std::int64_t pixels = std::min(call.pixel_block, call.pixels - begin), width = call.channels / call.groups;
  float *means = scratch, *squares = scratch + call.channels;
  const std::int64_t first = image * call.pixels + begin, from_x = call.x_channels, others = call.channels - from_x;
  channel_moments(call.x + first * from_x, from_x, pixels, from_x, means, squares);
  if (others > 0) channel_moments(call.rest + first * others, others, pixels, others, means + from_x, squares + from_x);
  for (std::int64_t g = 0; g < call.groups; ++g) {
    double mean = 0, sum = 0;
    for (std::int64_t c = g * width; c < (g + 1) * width; ++c) mean += means[c];
    mean /= static_cast<double>(width);
    for (std::int64_t c = g * width; c < (g + 1) * width; ++c)
      sum += squares[c] + static_cast<double>(pixels) * (means[c] - mean) * (means[c] - mean);
    call.block_moments[task * call.groups + g] = {mean, sum};
  }
}

void group_norm_apply(const GroupNormCall& call, std::int64_t task, float* scratch) {
  const std::int64_t image = task / call.pixel_blocks(), begin = task % call.pixel_blocks() * call.pixel_block;
  const std::int64_t pixels = std::min(call.pixel_block, call.pixels - begin), width = call.channels / call.groups;
  const double count = static_cast<double>(call.pixels * width);
  float *means = scratch, *scales = scratch + call.channels;
  for (std::int64_t g = 0; g < call.groups; ++g) {
    const GroupNormCall::Moments& m = call.moments[image * call.groups + g];
    const double scale = 1 / std::sqrt(m.squares / count + static_cast<double>(call.epsilon));
    for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
      means[c] = static_cast<float>(m.mean);
      scales[c] = static_cast<float>(scale * call.weight[c]);
    }
  }
  const auto row = call.silu ? apply_row<true> : apply_row<false>;
  const std::int64_t from_x = call.x_channels, others = call.channels - from_x;
  for (std::int64_t p = image * call.pixels + begin; p < image * call.pixels + begin + pixels; ++p) {
    float* const to = call.y + p * call.channels;
    row(call.x + p * from_x, means, scales, call.bias, from_x, to);
    if (others > 0)
      row(call.rest + p * others, means + from_x, scales + from_x, call.bias + from_x, others, to + from_x);
  }
}

void layer_norm(const LayerNormCall& call, std::int64_t first_row, std::int64_t last_row) {
  const float count = static_cast<float>(call.channels);
  for (std::int64_t r = first_row; r < last_row; ++r) {
    const float* x = call.x + r * call.channels;
    float* y = call.y + r * call.channels;
    const float mean = sum_row(x, call.channels, Value{}) / count;
    const float variance = sum_row(x, call.channels, SquaredDistance{mean}) / count;
    const V centre = splat(mean), scale = splat(1.0f / std::sqrt(variance + call.epsilon));
    for (std::int64_t c = 0; c < call.channels; c += kLanes) {
      const std::int64_t left = call.channels - c;
      const V normal = hn::Mul(hn::Sub(load_some(x + c, left), centre), scale);
      store_some(hn::MulAdd(normal, load_some(call.weight + c, left), load_some(call.bias + c, left)), y + c, left);
    }
  }
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
