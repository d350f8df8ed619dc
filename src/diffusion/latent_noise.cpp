#include "diffusion/latent_noise.h"

#include <cassert>

namespace safelight {

LatentNoise::LatentNoise(Rng rng, std::uint64_t seed, Shape shape) : shape_(std::move(shape)) {
  assert(shape_.size() == 4);
  for (std::int64_t image = 0; image < shape_[0]; ++image)
    generators_.push_back(make_generator(rng, seed + static_cast<std::uint64_t>(image)));
}

Tensor LatentNoise::next() {
  Tensor result = Tensor::allocate(DType::F32, shape_);
  const auto pixels = static_cast<std::size_t>(shape_[1] * shape_[2]);
  const auto channels = static_cast<std::size_t>(shape_[3]);
  std::vector<float> planes(pixels * channels);
  auto image = result.mutable_floats().begin();
  for (const auto& generator : generators_) {
    generator->normal(planes);
    for (std::size_t pixel = 0; pixel < pixels; ++pixel)
      for (std::size_t channel = 0; channel < channels; ++channel) *image++ = planes[channel * pixels + pixel];
  }
  return result;
}

}  // namespace safelight
