// torch.randn on CUDA: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") and the
// Box-Muller transform of cuRAND.
#pragma once

#include <array>

#include "diffusion/random.h"

namespace safelight {

// One block of the counter-based generator: ten rounds.
std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// Number i of call c is made from counter (c, 0, i, 0) and the seed as key: on the card, thread i draws it. This holds
// for calls of up to 2^32 numbers here, and on a card while it has a thread for every number (a few hundred thousand).
class PhiloxGenerator : public RandomGenerator {
 public:
  explicit PhiloxGenerator(std::uint64_t seed) : seed_(seed) {}

  void normal(std::span<float> out) override;

 private:
  std::uint64_t seed_;
  std::uint32_t calls_ = 0;
};

}  // namespace safelight
