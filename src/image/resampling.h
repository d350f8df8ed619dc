// Separable resampling: what each output position takes from which input positions.
//
// Output position i lies at (i + 0.5) * from / to - 0.5 of the input, so that both cover the same interval.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace safelight {

// Weights of the input positions first, first + 1, ...; their sum is 1.
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;
};

// A kernel that is `radius` wide on each side, widened where the side shrinks, so that nothing aliases. What falls
// outside the input is left out.
template <class Kernel>
std::vector<Taps> antialiased_taps(std::int64_t from, std::int64_t to, double radius, Kernel&& kernel) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double stretch = std::max(scale, 1.0);
  std::vector<Taps> result(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
    Taps& t = result[static_cast<std::size_t>(i)];
    t.first = std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(centre - radius * stretch)), 0);
    const std::int64_t last =
        std::min<std::int64_t>(static_cast<std::int64_t>(std::floor(centre + radius * stretch)), from - 1);
    double sum = 0;
    for (std::int64_t j = t.first; j <= last; ++j) {
      const double weight = kernel((static_cast<double>(j) - centre) / stretch);
      t.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : t.weights) weight = static_cast<float>(weight / sum);  // keeps flat areas and edges flat
  }
  return result;
}

// Values [height, width, channels] -> [rows.size(), columns.size(), channels], as floats: first along rows, then along
// columns.
template <class T>
std::vector<float> resampled(std::span<const T> values, std::int64_t height, std::int64_t width, std::int64_t channels,
                             std::span<const Taps> rows, std::span<const Taps> columns) {
  const auto out_width = static_cast<std::int64_t>(columns.size()), out_height = static_cast<std::int64_t>(rows.size());
  const std::int64_t row_size = out_width * channels;
  std::vector<float> wide(static_cast<std::size_t>(height * row_size), 0.0f);
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < out_width; ++x) {
      const Taps& t = columns[static_cast<std::size_t>(x)];
      float* const out = wide.data() + y * row_size + x * channels;
      const T* in = values.data() + (y * width + t.first) * channels;
      for (const float weight : t.weights)
        for (std::int64_t c = 0; c < channels; ++c) out[c] += weight * static_cast<float>(*in++);
    }

  std::vector<float> result(static_cast<std::size_t>(out_height * row_size), 0.0f);
  for (std::int64_t y = 0; y < out_height; ++y) {
    const Taps& t = rows[static_cast<std::size_t>(y)];
    float* const out = result.data() + y * row_size;
    const float* in = wide.data() + t.first * row_size;
    for (const float weight : t.weights) {
      for (std::int64_t i = 0; i < row_size; ++i) out[i] += weight * in[i];
      in += row_size;
    }
  }
  return result;
}

}  // namespace safelight
