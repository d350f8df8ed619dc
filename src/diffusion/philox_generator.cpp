#include "diffusion/philox_generator.h"

#include <cmath>
#include <numbers>

namespace safelight {
namespace {

struct Product {
  std::uint32_t high, low;
};

Product multiply(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t product = std::uint64_t{a} * b;
  return {static_cast<std::uint32_t>(product >> 32), static_cast<std::uint32_t>(product)};
}

// In double: single precision moves a result by up to 1e-6, in a way that differs between cards.
float box_muller(std::uint32_t x, std::uint32_t y) {
  const double u = (x + 0.5) * 0x1p-32;
  const double angle = (y + 0.5) * 0x1p-32 * 2 * std::numbers::pi;
  return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::sin(angle));
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const Product a = multiply(0xD2511F53u, counter[0]);
    const Product b = multiply(0xCD9E8D57u, counter[2]);
    counter = {b.high ^ counter[1] ^ key[0], b.low, a.high ^ counter[3] ^ key[1], a.low};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

void PhiloxGenerator::normal(std::span<float> out) {
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto bits = philox4x32_10({calls_, 0, static_cast<std::uint32_t>(i), 0}, key);
    out[i] = box_muller(bits[0], bits[1]);
  }
  ++calls_;
}

}  // namespace safelight
