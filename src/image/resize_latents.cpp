#include "image/resize_latents.h"

#include <array>
#include <cassert>

#include "image/resampling.h"

namespace safelight {
namespace {

constexpr std::array<std::string_view, 1> kBilinear{"Latent (bilinear)"};

constexpr std::array<LatentResizeInfo, 6> kModes{{
    {LatentResize::bilinear, {"latent", "Latent", kBilinear}},
    {LatentResize::bilinear_antialiased, {"latent_antialiased", "Latent (antialiased)"}},
    {LatentResize::bicubic, {"latent_bicubic", "Latent (bicubic)"}},
    {LatentResize::bicubic_antialiased, {"latent_bicubic_antialiased", "Latent (bicubic antialiased)"}},
    {LatentResize::nearest, {"latent_nearest", "Latent (nearest)"}},
    {LatentResize::nearest_exact, {"latent_nearest_exact", "Latent (nearest-exact)"}},
}};

double triangle(double x) { return std::max(1.0 - std::abs(x), 0.0); }

// Keys 1981, "Cubic convolution interpolation for digital image processing".
double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// Four weights around each position; what they ask for beyond the border is the outermost value's.
std::vector<Taps> cubic_taps(std::int64_t from, std::int64_t to) {
  constexpr double kSharpness = -0.75;
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  std::vector<Taps> result(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const double at = (static_cast<double>(i) + 0.5) * scale - 0.5;
    const auto nearest = static_cast<std::int64_t>(std::floor(at));
    Taps& t = result[static_cast<std::size_t>(i)];
    t.first = std::clamp<std::int64_t>(nearest - 1, 0, from - 1);
    const std::int64_t last = std::clamp<std::int64_t>(nearest + 2, 0, from - 1);
    t.weights.assign(static_cast<std::size_t>(last - t.first + 1), 0.0f);
    for (std::int64_t j = nearest - 1; j <= nearest + 2; ++j)
      t.weights[static_cast<std::size_t>(std::clamp<std::int64_t>(j, 0, from - 1) - t.first)] +=
          static_cast<float>(cubic(static_cast<double>(j) - at, kSharpness));
  }
  return result;
}

std::vector<Taps> linear_taps(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  std::vector<Taps> result(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const double at = std::clamp((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0, static_cast<double>(from - 1));
    Taps& t = result[static_cast<std::size_t>(i)];
    t.first = static_cast<std::int64_t>(at);
    const auto beyond = static_cast<float>(at - static_cast<double>(t.first));
    t.weights = {1 - beyond};
    if (t.first + 1 < from) t.weights.push_back(beyond);
  }
  return result;
}

// `offset` 0 is torch's "nearest", which is half an output pixel off; 0.5 is "nearest-exact".
std::vector<Taps> nearest_taps(std::int64_t from, std::int64_t to, double offset) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  std::vector<Taps> result(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const auto at = static_cast<std::int64_t>((static_cast<double>(i) + offset) * scale);
    result[static_cast<std::size_t>(i)] = {std::min(at, from - 1), {1.0f}};
  }
  return result;
}

std::vector<Taps> taps(std::int64_t from, std::int64_t to, LatentResize mode) {
  switch (mode) {
    case LatentResize::bilinear:
      return linear_taps(from, to);
    case LatentResize::bilinear_antialiased:
      return antialiased_taps(from, to, 1.0, triangle);
    case LatentResize::bicubic:
      return cubic_taps(from, to);
    case LatentResize::bicubic_antialiased:
      return antialiased_taps(from, to, 2.0, [](double x) { return cubic(x, -0.5); });
    case LatentResize::nearest:
      return nearest_taps(from, to, 0.0);
    case LatentResize::nearest_exact:
      break;
  }
  return nearest_taps(from, to, 0.5);
}

}  // namespace

std::span<const LatentResizeInfo> latent_resizes() noexcept { return kModes; }

const LatentResizeInfo& info(LatentResize mode) noexcept {
  return *std::ranges::find(kModes, mode, &LatentResizeInfo::mode);
}

Tensor resize_latents(const Tensor& latents, std::int64_t height, std::int64_t width, LatentResize mode) {
  assert(latents.rank() == 4 && latents.elements() > 0 && height >= 1 && width >= 1);
  const std::int64_t batch = latents.dim(0), channels = latents.dim(3);
  const std::vector<Taps> rows = taps(latents.dim(1), height, mode), columns = taps(latents.dim(2), width, mode);
  Tensor result = Tensor::allocate(DType::F32, {batch, height, width, channels});
  const std::span<const float> in = latents.floats();
  const std::size_t in_size = in.size() / static_cast<std::size_t>(batch);
  auto out = result.mutable_floats().begin();
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch); ++i)
    out = std::ranges::copy(
              resampled(in.subspan(i * in_size, in_size), latents.dim(1), latents.dim(2), channels, rows, columns), out)
              .out;
  return result;
}

}  // namespace safelight
