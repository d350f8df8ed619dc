// Group and layer normalisation: statistics that hold when the mean is large against the deviation, in two passes over
// a block that stays in cache.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/normalize.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/channel_norm-inl.h"
#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

// Mean and sum of squared distances of `kVectors` vectors of channels over `pixels`. Several at a time, because each
// sum waits for the one before. `left`: channels that there are.
template <int kVectors>
HWY_INLINE void moments_of(const float* x, std::int64_t stride, std::int64_t pixels, std::int64_t left, float* means,
                           float* squares) {
  V mean[kVectors], distances[kVectors];
  SAFELIGHT_UNROLL
  for (int i = 0; i < kVectors; ++i) mean[i] = distances[i] = hn::Zero(D());
  for (std::int64_t p = 0; p < pixels; ++p) {
    SAFELIGHT_UNROLL
    for (int i = 0; i < kVectors; ++i)
      mean[i] = hn::Add(mean[i], load_some(x + p * stride + i * kLanes, left - i * kLanes));
  }
  SAFELIGHT_UNROLL
  for (int i = 0; i < kVectors; ++i) mean[i] = hn::Mul(mean[i], splat(1.0f / static_cast<float>(pixels)));
  for (std::int64_t p = 0; p < pixels; ++p) {
    SAFELIGHT_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      const V distance = hn::Sub(load_some(x + p * stride + i * kLanes, left - i * kLanes), mean[i]);
      distances[i] = hn::MulAdd(distance, distance, distances[i]);
    }
  }
  SAFELIGHT_UNROLL
  for (int i = 0; i < kVectors; ++i) {
    store_some(mean[i], means + i * kLanes, left - i * kLanes);
    store_some(distances[i], squares + i * kLanes, left - i * kLanes);
  }
}

// The same of all channels.
void channel_moments(const float* x, std::int64_t stride, std::int64_t pixels, std::int64_t channels, float* means,
                     float* squares) {
  constexpr int kVectors = 4;
  std::int64_t c = 0;
  for (; c + kVectors * kLanes <= channels; c += kVectors * kLanes)
    moments_of<kVectors>(x + c, stride, pixels, kVectors * kLanes, means + c, squares + c);
  for (; c < channels; c += kLanes) moments_of<1>(x + c, stride, pixels, channels - c, means + c, squares + c);
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

// Channels [begin, begin + count) of one pixel.
template <bool kSilu>
void apply_row(const float* x, const NormOfImage& norm, std::int64_t begin, std::int64_t count, float* y) {
  for (std::int64_t c = 0; c < count; c += kLanes) {
    __builtin_prefetch(x + c + kFarFetchedAhead);
    store_some(norm.of<kSilu>(load_some(x + c, count - c), begin + c, count - c), y + c, count - c);
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
    call.moments[task * call.groups + g] = {mean, sum};
  }
}

void group_norm_apply(const GroupNormCall& call, std::int64_t task) {
  const std::int64_t image = task / call.pixel_blocks(), begin = task % call.pixel_blocks() * call.pixel_block;
  const std::int64_t pixels = std::min(call.pixel_block, call.pixels - begin);
  const NormOfImage norm(call.norm, image, call.channels);
  const auto row = call.norm.silu ? apply_row<true> : apply_row<false>;
  const std::int64_t from_x = call.x_channels, others = call.channels - from_x;
  for (std::int64_t p = image * call.pixels + begin; p < image * call.pixels + begin + pixels; ++p) {
    float* const to = call.y + p * call.channels;
    row(call.x + p * from_x, norm, 0, from_x, to);
    if (others > 0) row(call.rest + p * others, norm, from_x, others, to + from_x);
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
