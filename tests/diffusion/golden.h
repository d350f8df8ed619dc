// The goldens of tests/data/diffusion, and how ours are held against them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {

inline SafeTensors golden_file(const std::string& name) {
  return SafeTensors::open(std::string(SAFELIGHT_SOURCE_DIR "/tests/data/diffusion/") + name + ".safetensors");
}

inline std::vector<float> golden(const SafeTensors& file, const std::string& name) {
  const Tensor t = to_f32(file.tensor(name));
  return {t.floats().begin(), t.floats().end()};
}

// The largest difference, over the largest golden value (relative) or as it is.
inline double max_difference(std::span<const float> ours, std::span<const float> golden) {
  EXPECT_EQ(ours.size(), golden.size());
  double worst = 0;
  for (std::size_t i = 0; i < std::min(ours.size(), golden.size()); ++i) {
    const double difference = std::abs(static_cast<double>(ours[i]) - static_cast<double>(golden[i]));
    worst = std::isnan(difference) ? HUGE_VAL : std::max(worst, difference);
  }
  return worst;
}
inline double relative_difference(std::span<const float> ours, std::span<const float> golden) {
  float largest = 0;
  for (const float value : golden) largest = std::max(largest, std::abs(value));
  return max_difference(ours, golden) / static_cast<double>(largest);
}

}  // namespace safelight
