#include "models/cached_unet.h"

#include <algorithm>
#include <utility>

namespace safelight {
namespace {

// A new tensor with images [first, first + count) of F32 [n, ...].
Tensor images(const Tensor& t, std::int64_t first, std::int64_t count) {
  Shape shape = t.shape();
  shape[0] = count;
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  const std::int64_t length = t.elements() / t.dim(0);
  std::copy_n(t.floats().data() + first * length, count * length, result.mutable_floats().data());
  return result;
}

}  // namespace

Tensor CachedUNet::run_part(std::size_t part, const Tensor& x, std::span<const float> timesteps,
                            const TextContext& text) {
  if (interval_ == 1) return unet_(x, timesteps, text);
  if (uses_ == 1) return unet_(x, timesteps, text, &deep_[part]);
  return unet_.shallow(x, timesteps, text, deep_[part]);
}

Tensor CachedUNet::operator()(const Tensor& x, std::span<const float> timesteps, std::span<const TextContext> texts) {
  if (uses_ == interval_ || x.shape() != shape_) {
    uses_ = 0;
    shape_ = x.shape();
    deep_.assign(texts.size(), {});
  }
  ++uses_;
  if (texts.size() == 1) return run_part(0, x, timesteps, texts[0]);

  Tensor result;
  std::int64_t first = 0;
  for (std::size_t part = 0; part < texts.size(); ++part) {
    const std::int64_t count = texts[part].texts();
    const auto times = timesteps.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    const Tensor y = run_part(part, images(x, first, count), times, texts[part]);
    if (!result) {
      Shape shape = y.shape();
      shape[0] = x.dim(0);
      result = Tensor::allocate(DType::F32, std::move(shape));
    }
    const std::int64_t length = y.elements() / count;
    std::ranges::copy(y.floats(), result.mutable_floats().data() + first * length);
    first += count;
  }
  return result;
}

}  // namespace safelight
