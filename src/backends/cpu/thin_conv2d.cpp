#include "backends/cpu/thin_conv2d.h"

#include <algorithm>

#include "backends/cpu/product.h"

namespace safelight::cpu {
namespace {

constexpr std::int64_t kTaps = 9;
// 9 * 5 columns fill most of three vectors, 5 lanes of one a third of it.
constexpr std::int64_t kMostChannels = 5;

// One row of y: at every pixel the sum over the taps of what the product made of the pixel that the tap sees.
void add_taps(const Conv2dSpec& spec, const float* parts, const float* bias, std::int64_t height, std::int64_t width,
              std::int64_t row, Tensor& y) {
  const std::int64_t out = spec.out, image = row / y.dim(1), oy = row % y.dim(1);
  float* to = y.mutable_floats().data() + row * y.dim(2) * out;
  for (std::int64_t ox = 0; ox < y.dim(2); ++ox, to += out) {
    for (std::int64_t o = 0; o < out; ++o) to[o] = bias ? bias[o] : 0.0f;
    for (std::int64_t tap = 0; tap < kTaps; ++tap) {
      const std::int64_t iy = oy + tap / 3 - spec.padding.top, ix = ox + tap % 3 - spec.padding.left;
      if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
      const float* part = parts + ((image * height + iy) * width + ix) * kTaps * out + tap * out;
      for (std::int64_t o = 0; o < out; ++o) to[o] += part[o];
    }
  }
}

}  // namespace

bool is_thin(const Conv2dSpec& spec) {
  return spec.kernel == 3 && spec.stride == 1 && !spec.upsample && spec.out <= kMostChannels;
}

Tensor thin_weights(const Conv2dSpec& spec, const Weight& weight) {
  const Tensor stored = scaled_values(weight);
  Tensor rows = Tensor::allocate(DType::F32, {kTaps * spec.out, spec.in});
  const float* from = stored.floats().data();
  for (std::int64_t o = 0; o < spec.out; ++o)
    for (std::int64_t i = 0; i < spec.in; ++i)
      for (std::int64_t tap = 0; tap < kTaps; ++tap)
        rows.mutable_floats()[static_cast<std::size_t>((tap * spec.out + o) * spec.in + i)] =
            from[(o * spec.in + i) * kTaps + tap];
  return rows;
}

void run_thin_conv2d(Engine& engine, const Conv2dSpec& spec, const Tensor& weights, const Tensor& bias, const Tensor& x,
                     Tensor& y) {
  const std::int64_t pixels = x.elements() / spec.in, columns = kTaps * spec.out;
  Tensor parts = engine.empty({pixels, columns});
  run_product(engine, {.weight = {weights.data(), DType::F32, columns, spec.in, 1},
                       .source = {.x = x.floats().data(),
                                  .zeros = nullptr,  // one tap, never outside
                                  .width = pixels,
                                  .channels = spec.in,
                                  .out_width = pixels},
                       .tail = {},
                       .y = parts.mutable_floats().data(),
                       .rows = pixels,
                       .channels = columns});
  const float* biases = bias ? bias.floats().data() : nullptr;
  engine.for_each(y.dim(0) * y.dim(1),
                  [&](std::int64_t row) { add_taps(spec, parts.floats().data(), biases, x.dim(1), x.dim(2), row, y); });
}

}  // namespace safelight::cpu
