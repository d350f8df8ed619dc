#include "diffusion/guidance.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/fail.h"

namespace safelight {
namespace {

// a's images, then b's. REQUIRES: the same shape.
Tensor concatenate(const Tensor& a, const Tensor& b) {
  Shape shape = a.shape();
  shape[0] *= 2;
  Tensor result = Tensor::allocate(DType::F32, std::move(shape));
  const auto middle = std::ranges::copy(a.floats(), result.mutable_floats().begin()).out;
  std::ranges::copy(b.floats(), middle);
  return result;
}

}  // namespace

Guidance::Guidance(Network network, const Tensor& prompt, const Tensor& negative, float scale, Passes passes)
    : network_(std::move(network)), contexts_{prompt}, images_(prompt.dim(0)), scale_(scale) {
  if (!std::isfinite(scale)) fail(ErrorCategory::usage, "[guidance] expected a finite scale, found {}", scale);
  if (scale == 1) return;
  if (negative.shape() != prompt.shape())
    fail(ErrorCategory::model, "[guidance] prompt and negative prompt have contexts {} and {}, expected the same shape",
         to_string(prompt.shape()), to_string(negative.shape()));
  if (passes == Passes::together)
    contexts_ = {concatenate(negative, prompt)};
  else
    contexts_ = {negative, prompt};
}

Tensor Guidance::operator()(const Tensor& x, float timestep) const {
  if (x.dim(0) != images_)
    fail(ErrorCategory::model, "[guidance] expected {} images, one for each context, found {}", images_, x.dim(0));
  const std::vector<float> timesteps(static_cast<std::size_t>(contexts_.front().dim(0)), timestep);
  if (scale_ == 1) return network_(x, timesteps, contexts_.front());
  if (contexts_.size() == 2) {
    const Tensor u = network_(x, timesteps, contexts_[0]), c = network_(x, timesteps, contexts_[1]);
    return guided(x, u.floats(), c.floats());
  }
  const Tensor both = network_(concatenate(x, x), timesteps, contexts_.front());
  const std::size_t half = both.floats().size() / 2;
  return guided(x, both.floats().first(half), both.floats().subspan(half));
}

Tensor Guidance::guided(const Tensor& x, std::span<const float> u, std::span<const float> c) const {
  Tensor result = Tensor::allocate(DType::F32, x.shape());
  const std::span<float> out = result.mutable_floats();
  if (u.size() != out.size() || c.size() != out.size())
    fail(ErrorCategory::model, "[guidance] the network answered {} with {} values for each text, expected {}",
         to_string(x.shape()), u.size(), out.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = u[i] + scale_ * (c[i] - u[i]);
  return result;
}

}  // namespace safelight
