// Two passes of weighted sums, first along rows, then along columns.
#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace safelight {
namespace {

constexpr double kLobes = 3.0;

double lanczos(double x) {
  if (x == 0.0) return 1.0;
  if (std::abs(x) >= kLobes) return 0.0;
  const double p = std::numbers::pi * x;
  return kLobes * std::sin(p) * std::sin(p / kLobes) / (p * p);
}

// What one output position takes from the input: weights of the positions first, first + 1, ...
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;
};

std::vector<Taps> taps(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double stretch = std::max(scale, 1.0);
  std::vector<Taps> result(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
    Taps& t = result[static_cast<std::size_t>(i)];
    t.first = std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(centre - kLobes * stretch)), 0);
    const std::int64_t last =
        std::min<std::int64_t>(static_cast<std::int64_t>(std::floor(centre + kLobes * stretch)), from - 1);
    double sum = 0;
    for (std::int64_t j = t.first; j <= last; ++j) {
      const double weight = lanczos((static_cast<double>(j) - centre) / stretch);
      t.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : t.weights) weight = static_cast<float>(weight / sum);  // keeps flat areas and edges flat
  }
  return result;
}

std::uint8_t to_byte(float v) { return static_cast<std::uint8_t>(std::clamp(v + 0.5f, 0.0f, 255.0f)); }

}  // namespace

Picture resize(const Picture& picture, std::int64_t width, std::int64_t height) {
  if (width == picture.width && height == picture.height) return picture;
  const std::vector<Taps> columns = taps(picture.width, width), rows = taps(picture.height, height);

  std::vector<float> wide(static_cast<std::size_t>(width * picture.height * 3), 0.0f);
  for (std::int64_t y = 0; y < picture.height; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const Taps& t = columns[static_cast<std::size_t>(x)];
      float* out = wide.data() + (y * width + x) * 3;
      for (std::size_t k = 0; k < t.weights.size(); ++k) {
        const std::uint8_t* in = picture.at(t.first + static_cast<std::int64_t>(k), y);
        for (int c = 0; c < 3; ++c) out[c] += t.weights[k] * static_cast<float>(in[c]);
      }
    }

  Picture result(width, height);
  std::vector<float> row(static_cast<std::size_t>(width * 3));
  for (std::int64_t y = 0; y < height; ++y) {
    const Taps& t = rows[static_cast<std::size_t>(y)];
    std::fill(row.begin(), row.end(), 0.0f);
    for (std::size_t k = 0; k < t.weights.size(); ++k) {
      const float* in = wide.data() + (t.first + static_cast<std::int64_t>(k)) * width * 3;
      for (std::size_t i = 0; i < row.size(); ++i) row[i] += t.weights[k] * in[i];
    }
    std::transform(row.begin(), row.end(), result.at(0, y), to_byte);
  }
  return result;
}

}  // namespace safelight
