// The random numbers that a seed means elsewhere: torch.randn on the processor and on an NVIDIA card.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/name_table.h"

namespace safelight {

enum class Rng {
  philox,  // torch.randn on CUDA, which A1111 calls GPU and, computed on the processor, NV
  cpu,     // torch.randn on the CPU
};

struct RngInfo {
  Rng rng;
  Names names;
};
std::span<const RngInfo> rngs() noexcept;
const RngInfo& info(Rng rng) noexcept;

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
Rng parse_rng(std::string_view name);

// A seeded stream of normally distributed numbers. Thread-compatible.
class RandomGenerator {
 public:
  virtual ~RandomGenerator() = default;

  // Fills `out` with what the next torch.randn(out.size()) would return, within 1e-6. How a stream is cut into calls
  // matters: two calls of 8 are not one of 16.
  virtual void normal(std::span<float> out) = 0;
};

std::unique_ptr<RandomGenerator> make_generator(Rng rng, std::uint64_t seed);

}  // namespace safelight
