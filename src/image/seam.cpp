#include "image/seam.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "image/blur.h"

namespace safelight {
namespace {

constexpr double kFar = 4, kNear = 1;  // standard deviations in pixels
constexpr std::int64_t kReach = 16;    // beyond which kFar carries nothing
constexpr float kLeastShare = 1e-6F;   // of kept pixels around one, to know a mean of them
// What a pixel has below: differences, and how much of it is kept.
constexpr std::size_t kChannels = 3, kShare = 3, kValues = 4;

// original - painted, weighted by how far a pixel is kept, and that weight.
std::vector<float> kept_differences(const Picture& painted, const Picture& original, const Mask& mask) {
  std::vector<float> values(mask.values.size() * kValues);
  for (std::size_t i = 0; i < mask.values.size(); ++i) {
    const float kept = static_cast<float>(255 - mask.values[i]) / 255.0F;
    for (std::size_t c = 0; c < kChannels; ++c)
      values[i * kValues + c] =
          kept * static_cast<float>(original.rgb[i * kChannels + c] - painted.rgb[i * kChannels + c]);
    values[i * kValues + kShare] = kept;
  }
  return values;
}

// What the kept pixels around one carry to it: their mean difference, and how much of it is due: all at a straight
// border.
struct Carried {
  float due = 0;
  std::array<float, kChannels> difference{};  // due already
};

Carried carried(const float* sums) {
  const float share = sums[kShare];
  Carried result{.due = std::min(1.0F, 2 * share)};
  if (share < kLeastShare) return result;
  for (std::size_t c = 0; c < kChannels; ++c) result.difference[c] = result.due * sums[c] / share;
  return result;
}

}  // namespace

void meet_at_border(Picture& painted, const Picture& original, const Mask& mask) {
  const std::optional<Region> box = bounding_box(mask, kReach);
  if (!box) return;
  Picture patch = crop(painted, *box);
  std::vector<float> far = kept_differences(patch, crop(original, *box), crop(mask, *box));
  std::vector<float> near = far;
  blur_quickly(far, box->height, box->width, kValues, kFar);
  blur_quickly(near, box->height, box->width, kValues, kNear);
  for (std::size_t i = 0; i < near.size() / kValues; ++i) {
    const Carried wide = carried(&far[i * kValues]), close = carried(&near[i * kValues]);
    for (std::size_t c = 0; c < kChannels; ++c) {
      std::uint8_t& value = patch.rgb[i * kChannels + c];
      const float met = static_cast<float>(value) + close.difference[c] + (1 - close.due) * wide.difference[c];
      value = static_cast<std::uint8_t>(std::clamp(std::lround(met), 0L, 255L));
    }
  }
  paste(painted, patch, *box, Mask(painted.width, painted.height, 255));
}

}  // namespace safelight
