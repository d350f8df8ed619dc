#include "models/cached_unet.h"

namespace safelight {

bool CachedUNet::has_deep_features_of(const Tensor& x) const {
  return deep_ && x.rank() == 4 && deep_.dim(0) == x.dim(0) && deep_.dim(1) == x.dim(1) && deep_.dim(2) == x.dim(2);
}

Tensor CachedUNet::operator()(const Tensor& x, std::span<const float> timesteps, const TextContext& text) {
  if (interval_ == 1) return unet_(x, timesteps, text);
  if (uses_ == interval_ || !has_deep_features_of(x)) {
    uses_ = 1;
    return unet_(x, timesteps, text, &deep_);
  }
  ++uses_;
  return unet_.shallow(x, timesteps, text, deep_);
}

}  // namespace safelight
