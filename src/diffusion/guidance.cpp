#include "diffusion/guidance.h"

#include <cmath>
#include <vector>

#include "core/fail.h"
#include "diffusion/side_by_side.h"

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

Guidance::Guidance(Network pair, Network prompt, float scale, GuidedRange range)
    : pair_(std::move(pair)), prompt_(std::move(prompt)), scale_(scale), range_(range) {
  if (!std::isfinite(scale)) fail(ErrorCategory::usage, "[guidance] expected a finite scale, found {}", scale);
}

Tensor Guidance::operator()(const Tensor& x, float timestep) const {
  return scale_ != 1 && range_.has(timestep) ? guided(x, timestep) : ask(prompt_, x, timestep);
}

Tensor Guidance::guided(const Tensor& x, float timestep) const {
  const Tensor both = ask(pair_, side_by_side(x, x), timestep);
  Tensor result = Tensor::allocate(DType::F32, x.shape());
  const std::span<float> out = result.mutable_floats();
  const std::span<const float> u = both.floats().first(out.size()), c = both.floats().subspan(out.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = u[i] + scale_ * (c[i] - u[i]);
  return result;
}

}  // namespace safelight
