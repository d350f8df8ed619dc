#include "diffusion/guidance.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/fail.h"
#include "diffusion/repeated.h"

namespace safelight {
namespace {

Tensor ask(const Network& network, const Tensor& x, float timestep) {
  const std::vector<float> timesteps(static_cast<std::size_t>(x.dim(0)), timestep);
  Tensor noise = network(x, timesteps);
  if (noise.elements() != x.elements())
    fail(ErrorCategory::model, "[guidance] the network answered {} with shape {}", to_string(x.shape()),
         to_string(noise.shape()));
  return noise;
}

}  // namespace

Guidance::Guidance(Network all, Network last, std::vector<float> scales, GuidedRange range)
    : all_(std::move(all)),
      last_(std::move(last)),
      scales_(std::move(scales)),
      guides_(std::ranges::any_of(scales_, [](float scale) { return scale != 1; })),
      range_(range) {
  assert(!scales_.empty());
  for (const float scale : scales_)
    if (!std::isfinite(scale)) fail(ErrorCategory::usage, "[guidance] expected a finite scale, found {}", scale);
}

Tensor Guidance::operator()(const Tensor& x, float timestep) const {
  return guides_ && range_.has(timestep) ? guided(x, timestep) : ask(last_, x, timestep);
}

Tensor Guidance::guided(const Tensor& x, float timestep) const {
  const std::size_t size = x.floats().size();
  const Tensor answers = ask(all_, repeated(x, std::ssize(scales_) + 1), timestep);
  Tensor result = Tensor::allocate(DType::F32, x.shape());
  const std::span<float> out = result.mutable_floats();
  std::ranges::copy(answers.floats().first(size), out.begin());
  for (std::size_t k = 0; k < scales_.size(); ++k) {
    const std::span<const float> less = answers.floats().subspan(k * size, size),
                                 more = answers.floats().subspan((k + 1) * size, size);
    for (std::size_t i = 0; i < size; ++i) out[i] += scales_[k] * (more[i] - less[i]);
  }
  return result;
}

}  // namespace safelight
