#include "diffusion/torch_cpu_generator.h"

#include <cmath>
#include <numbers>

namespace safelight {
namespace {

// Torch fills 16 numbers or more in blocks of 16, and fewer one by one from another stream of uniforms.
constexpr std::size_t kBlock = 16;

// Turns a block of uniforms of [0, 1) into normals: the first half of the block gives radii, the second angles.
void box_muller(std::span<float, kBlock> block) {
  for (std::size_t i = 0; i < kBlock / 2; ++i) {
    const float u = 1 - block[i];  // of (0, 1], exact
    // Rounded to float as torch does: an exact angle would move results by up to 1.1e-6.
    const float angle = 2 * std::numbers::pi_v<float> * block[i + kBlock / 2];
    const double radius = std::sqrt(-2 * std::log(static_cast<double>(u)));
    block[i] = static_cast<float>(radius * std::cos(static_cast<double>(angle)));
    block[i + kBlock / 2] = static_cast<float>(radius * std::sin(static_cast<double>(angle)));
  }
}

}  // namespace

float TorchCpuGenerator::uniform_float() { return static_cast<float>(engine_() & 0xFFFFFFu) * 0x1p-24f; }

double TorchCpuGenerator::uniform_double() {
  const std::uint64_t high = engine_();
  const std::uint64_t low = engine_();
  return static_cast<double>(((high << 32) | low) & ((std::uint64_t{1} << 53) - 1)) * 0x1p-53;
}

double TorchCpuGenerator::single_normal() {
  if (spare_) {
    const double value = *spare_;
    spare_.reset();
    return value;
  }
  const double angle = 2 * std::numbers::pi * uniform_double();
  const double radius = std::sqrt(-2 * std::log1p(-uniform_double()));
  spare_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

void TorchCpuGenerator::normal(std::span<float> out) {
  if (out.size() < kBlock) {
    for (float& value : out) value = static_cast<float>(single_normal());
    return;
  }
  for (float& value : out) value = uniform_float();
  for (std::size_t i = 0; i + kBlock <= out.size(); i += kBlock) box_muller(out.subspan(i).first<kBlock>());
  if (out.size() % kBlock == 0) return;
  // The rest does not fill a block: the last 16 numbers are drawn anew, finished ones among them.
  const auto last = out.last<kBlock>();
  for (float& value : last) value = uniform_float();
  box_muller(last);
}

}  // namespace safelight
