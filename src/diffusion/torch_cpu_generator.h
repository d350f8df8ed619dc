// torch.randn on the CPU: Mersenne twister (Matsumoto & Nishimura 1998) and the Box-Muller transform.
#pragma once

#include <optional>
#include <random>

#include "diffusion/random.h"

namespace safelight {

class TorchCpuGenerator : public RandomGenerator {
 public:
  // Only the low 32 bits of the seed count, as in torch.
  explicit TorchCpuGenerator(std::uint64_t seed) : engine_(static_cast<std::uint32_t>(seed)) {}

  void normal(std::span<float> out) override;

 private:
  float uniform_float();
  double uniform_double();
  double single_normal();

  std::mt19937 engine_;
  std::optional<double> spare_;  // the second number of the last pair that single_normal drew
};

}  // namespace safelight
