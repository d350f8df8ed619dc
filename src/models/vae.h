// The autoencoder of latent diffusion (Rombach et al. 2022; AutoencoderKL).
#pragma once

#include <cstdint>
#include <memory>

#include "models/loader.h"

namespace safelight {

class VaeDecoder {
 public:
  // `w` is the place that holds decoder and post_quant_conv.
  explicit VaeDecoder(const Loader& w);
  ~VaeDecoder();
  VaeDecoder(VaeDecoder&&) noexcept;
  VaeDecoder& operator=(VaeDecoder&&) noexcept;

  // z: F32 [n, h, w, 4], already divided by the scale factor -> F32 [n, h*factor(), w*factor(), 3], nominally in [-1,
  // 1], not clamped.
  Tensor operator()(const Tensor& z);

  std::int64_t latent_channels() const noexcept;
  std::int64_t factor() const noexcept;  // picture pixels per latent pixel: 2^(levels-1)

 private:
  struct Layers;
  std::unique_ptr<Layers> layers_;
};

// The posterior of the encoder: a Gaussian with diagonal covariance.
struct LatentDistribution {
  Tensor mean, log_variance;  // F32 [n, h, w, 4] each; log_variance clamped to [-30, 20]
};

class VaeEncoder {
 public:
  // `w` is the place that holds encoder and quant_conv.
  explicit VaeEncoder(const Loader& w);
  ~VaeEncoder();
  VaeEncoder(VaeEncoder&&) noexcept;
  VaeEncoder& operator=(VaeEncoder&&) noexcept;

  // picture: F32 [n, H, W, 3] in [-1, 1], H and W multiples of factor(). Not multiplied by the scale factor.
  LatentDistribution operator()(const Tensor& picture);

  // The same in one tensor, F32 [n, h, w, 8], as the network gives it: the means, then the logarithms of the variances.
  Tensor moments(const Tensor& picture);

  // The distribution that moments describe.
  LatentDistribution distribution(const Tensor& moments);

  std::int64_t latent_channels() const noexcept;
  std::int64_t factor() const noexcept;

 private:
  struct Layers;
  std::unique_ptr<Layers> layers_;
};

}  // namespace safelight
