#include "image/blur.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/fail.h"

namespace safelight {
namespace {

constexpr double kMaxRadius = 1000;

// --- the exact kernel -----------------------------------------------------------------------------------------------

std::vector<float> gaussian(double radius) {
  const std::int64_t reach = std::lround(2.5 * radius);
  std::vector<float> weights;
  double sum = 0;
  for (std::int64_t i = -reach; i <= reach; ++i) {
    const double x = static_cast<double>(i) / radius;
    weights.push_back(static_cast<float>(std::exp(-0.5 * x * x)));
    sum += static_cast<double>(weights.back());
  }
  for (float& weight : weights) weight = static_cast<float>(static_cast<double>(weight) / sum);
  return weights;
}

// Position i of a line of n that is mirrored about its first and last value.
std::int64_t mirrored(std::int64_t i, std::int64_t n) {
  if (n == 1) return 0;
  const std::int64_t period = 2 * (n - 1);
  const std::int64_t within = ((i % period) + period) % period;
  return std::min(within, period - within);
}

// `count` lines of n values each, `step` apart within a line.
void convolve(const std::vector<float>& in, std::vector<float>& out, std::int64_t count, std::int64_t line_step,
              std::int64_t n, std::int64_t step, const std::vector<float>& weights) {
  const auto taps = static_cast<std::int64_t>(weights.size()), reach = taps / 2;
  std::vector<float> line(static_cast<std::size_t>(n + taps - 1));
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = -reach; j < n + reach; ++j)
      line[static_cast<std::size_t>(j + reach)] = in[static_cast<std::size_t>(i * line_step + mirrored(j, n) * step)];
    for (std::int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (std::int64_t k = 0; k < taps; ++k)
        sum += weights[static_cast<std::size_t>(k)] * line[static_cast<std::size_t>(j + k)];
      out[static_cast<std::size_t>(i * line_step + j * step)] = sum;
    }
  }
}

// --- box filters ----------------------------------------------------------------------------------------------------

// A box of 2 * whole + 1 full weights and a `part` of one at each end, whose variance is a third of the Gaussian's:
// three of them make the blur. (Gwosdek, Grewenig, Bruhn, Weickert 2011, equations 6 and 14.)
struct Box {
  std::int64_t whole = 0;
  double part = 0;
};

Box box_for(double radius) {
  constexpr double kPasses = 3;
  const double variance = radius * radius / kPasses;
  const double length = std::sqrt(12 * variance + 1);
  const double whole = std::floor((length - 1) / 2);
  const double reach = 2 * whole + 1;
  const double part = reach * (whole * (whole + 1) - 3 * variance) / (6 * (variance - (whole + 1) * (whole + 1)));
  return {static_cast<std::int64_t>(whole), part};
}

// One line, n values of which each is `step` from the next, through `box` into `line`, as running sums in double
// precision; beyond the border the outermost value is repeated.
void box_filter(float* values, std::int64_t n, std::int64_t step, const Box& box, std::vector<float>& line) {
  for (std::int64_t i = 0; i < n; ++i) line[static_cast<std::size_t>(i)] = values[i * step];
  const auto at = [&](std::int64_t i) {
    return static_cast<double>(line[static_cast<std::size_t>(std::clamp<std::int64_t>(i, 0, n - 1))]);
  };
  const double scale = 1 / (static_cast<double>(2 * box.whole + 1) + 2 * box.part);
  double sum = 0;
  for (std::int64_t i = -box.whole; i <= box.whole; ++i) sum += at(i);
  for (std::int64_t i = 0; i < n; ++i) {
    const double ends = at(i - box.whole - 1) + at(i + box.whole + 1);
    values[i * step] = static_cast<float>((sum + box.part * ends) * scale);
    sum += at(i + box.whole + 1) - at(i - box.whole);
  }
}

}  // namespace

Mask blurred(const Mask& mask, double radius) {
  if (!(radius >= 0 && radius <= kMaxRadius))
    fail(ErrorCategory::usage, "[mask] expected a blur of 0 to {} pixels, found {}", kMaxRadius, radius);
  const std::vector<float> weights = radius > 0 ? gaussian(radius) : std::vector<float>{1.0f};
  if (weights.size() == 1) return mask;
  std::vector<float> values(mask.values.begin(), mask.values.end()), wide(values.size());
  convolve(values, wide, mask.height, mask.width, mask.width, 1, weights);
  convolve(wide, values, mask.width, 1, mask.height, mask.width, weights);
  Mask result(mask.width, mask.height);
  std::ranges::transform(values, result.values.begin(),
                         [](float v) { return static_cast<std::uint8_t>(std::clamp(v + 0.5f, 0.0f, 255.0f)); });
  return result;
}

void blur_quickly(std::span<float> values, std::int64_t height, std::int64_t width, std::int64_t channels,
                  double radius) {
  if (radius == 0) return;
  const Box box = box_for(radius);
  std::vector<float> line(static_cast<std::size_t>(std::max(height, width)));
  for (int pass = 0; pass < 3; ++pass)
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t c = 0; c < channels; ++c)
        box_filter(values.data() + y * width * channels + c, width, channels, box, line);
  for (int pass = 0; pass < 3; ++pass)
    for (std::int64_t x = 0; x < width * channels; ++x)
      box_filter(values.data() + x, height, width * channels, box, line);
}

}  // namespace safelight
