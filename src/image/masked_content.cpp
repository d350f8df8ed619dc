#include "image/masked_content.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

#include "image/blur.h"

namespace safelight {
namespace {

constexpr std::array<MaskedContentInfo, 4> kContents{{
    {MaskedContent::fill, {"fill", "fill"}},
    {MaskedContent::original, {"original", "original"}},
    {MaskedContent::latent_noise, {"latent_noise", "latent noise"}},
    {MaskedContent::latent_nothing, {"latent_nothing", "latent nothing"}},
}};

// The web UI's layers, the lowest first: each is blurred and laid over the others some times.
struct Layer {
  double radius;
  int times;
};
constexpr std::array<Layer, 6> kLayers{{{256, 1}, {64, 1}, {16, 2}, {4, 4}, {2, 2}, {0, 1}}};

// Beyond the reach of all blurs nothing is left but rounding errors.
constexpr float kLeastAlpha = 1e-5f, kGrey = 127.0f;

// What is kept: colours times alpha, and alpha = 1 - mask, of 0 to 1.
std::vector<float> kept(const Picture& picture, const Mask& mask) {
  std::vector<float> rgba(mask.values.size() * 4);
  for (std::size_t i = 0; i < mask.values.size(); ++i) {
    const float alpha = static_cast<float>(255 - mask.values[i]) / 255;
    for (std::size_t c = 0; c < 3; ++c) rgba[i * 4 + c] = static_cast<float>(picture.rgb[i * 3 + c]) * alpha;
    rgba[i * 4 + 3] = alpha;
  }
  return rgba;
}

// Porter and Duff 1984, "over".
void lay_over(std::span<const float> upper, std::span<float> lower) {
  for (std::size_t i = 0; i < upper.size(); i += 4) {
    const float through = 1 - upper[i + 3];
    for (std::size_t c = 0; c < 4; ++c) lower[i + c] = upper[i + c] + lower[i + c] * through;
  }
}

}  // namespace

std::span<const MaskedContentInfo> masked_contents() noexcept { return kContents; }

const MaskedContentInfo& info(MaskedContent content) noexcept {
  return *std::ranges::find(kContents, content, &MaskedContentInfo::content);
}

MaskedContent parse_masked_content(std::string_view name) {
  if (const MaskedContentInfo* row = find_by_name(masked_contents(), name)) return row->content;
  fail_unknown_name("masked content", masked_contents(), name);
}

Picture filled_from_around(const Picture& picture, const Mask& mask) {
  assert(mask.width == picture.width && mask.height == picture.height);
  const std::vector<float> source = kept(picture, mask);
  std::vector<float> result(source.size(), 0.0f);
  for (const Layer& layer : kLayers) {
    std::vector<float> blur = source;
    blur_quickly(blur, picture.height, picture.width, 4, layer.radius);
    for (int i = 0; i < layer.times; ++i) lay_over(blur, result);
  }

  Picture filled = picture;
  for (std::size_t i = 0; i < mask.values.size(); ++i) {
    if (mask.values[i] == 0) continue;
    const float alpha = result[i * 4 + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const float colour = alpha > kLeastAlpha ? result[i * 4 + c] / alpha : kGrey;
      filled.rgb[i * 3 + c] = static_cast<std::uint8_t>(std::clamp(colour + 0.5f, 0.0f, 255.0f));
    }
  }
  return filled;
}

}  // namespace safelight
