#include "diffusion/latent_resize.h"

#include <algorithm>
#include <vector>

namespace safelight {
namespace {

// The two places between which a result lies, and how far from the first.
struct Between {
  std::int64_t low, high;
  float share;
};

std::vector<Between> places(std::int64_t from, std::int64_t to) {
  std::vector<Between> result;
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  for (std::int64_t i = 0; i < to; ++i) {
    const float at = std::max((static_cast<float>(i) + 0.5f) * scale - 0.5f, 0.0f);
    const std::int64_t low = std::min(static_cast<std::int64_t>(at), from - 1);
    result.push_back({low, std::min(low + 1, from - 1), at - static_cast<float>(low)});
  }
  return result;
}

}  // namespace

Tensor resize_latents(const Tensor& x, std::int64_t height, std::int64_t width) {
  Tensor result = Tensor::allocate(DType::F32, {x.dim(0), height, width, x.dim(3)});
  const std::vector<Between> rows = places(x.dim(1), height), columns = places(x.dim(2), width);
  const std::int64_t channels = x.dim(3);
  float* out = result.mutable_floats().data();
  for (std::int64_t image = 0; image < x.dim(0); ++image) {
    const float* in = x.floats().data() + image * x.dim(1) * x.dim(2) * channels;
    const auto at = [&](std::int64_t y, std::int64_t column) { return in + (y * x.dim(2) + column) * channels; };
    for (const Between& row : rows)
      for (const Between& column : columns)
        for (std::int64_t c = 0; c < channels; ++c) {
          const float above = at(row.low, column.low)[c] * (1 - column.share) + at(row.low, column.high)[c] * column.share;
          const float below =
              at(row.high, column.low)[c] * (1 - column.share) + at(row.high, column.high)[c] * column.share;
          *out++ = above * (1 - row.share) + below * row.share;
        }
  }
  return result;
}

}  // namespace safelight
