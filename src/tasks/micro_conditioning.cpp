// The numbers about a picture that SDXL and its refiner take besides the text.
#include <fmt/format.h>

#include <cstdint>

#include "core/fail.h"
#include "core/printable.h"
#include "tasks/conditioning.h"
#include "tasks/field_names.h"

namespace safelight {
namespace {

constexpr std::int64_t kMostPixels = 1 << 20;  // of a side: far beyond any picture
constexpr double kBestScore = 10;              // of the network that gave the scores (LAION's)

void check_pixels(std::string_view what, std::int64_t value, std::int64_t least) {
  if (value < least || value > kMostPixels)
    fail(ErrorCategory::usage, "[{}] expected {} to {} pixels, found {}", what, least, kMostPixels, value);
}

void check_size(std::string_view what, const std::optional<PictureSize>& size) {
  if (!size) return;
  check_pixels(what, size->width, 1);
  check_pixels(what, size->height, 1);
}

void check_score(std::string_view what, const std::optional<double>& score) {
  if (score && !(0 <= *score && *score <= kBestScore))
    fail(ErrorCategory::usage, "[{}] expected 0 to {}, found {}", what, kBestScore, *score);
}

}  // namespace

void check_micro_conditioning(const StableDiffusion& networks, const MicroConditioning& micro) {
  const auto expect = [&networks](bool set, bool taken, std::string_view what, std::string_view who) {
    if (set && !taken)
      fail(ErrorCategory::usage, "[{}] {} is {}, which does not take this; expected {}", what,
           printable(networks.file.path().native()), networks.what, who);
  };
  constexpr std::string_view kXl = "a Stable Diffusion XL model", kRefiner = "a Stable Diffusion XL refiner";
  const bool is_xl = networks.family == Family::sdxl, is_refiner = networks.family == Family::sdxl_refiner;
  expect(micro.original_size.has_value(), is_xl || is_refiner, "original-size", kXl);
  expect(micro.crop.has_value(), is_xl || is_refiner, "crop", kXl);
  expect(micro.target_size.has_value(), is_xl, "target-size", kXl);
  expect(micro.aesthetic_score.has_value(), is_refiner, "aesthetic-score", kRefiner);
  expect(micro.negative_aesthetic_score.has_value(), is_refiner, "negative-aesthetic-score", kRefiner);
  check_size("original-size", micro.original_size);
  check_size("target-size", micro.target_size);
  if (micro.crop) {
    check_pixels("crop", micro.crop->left, 0);
    check_pixels("crop", micro.crop->top, 0);
  }
  check_score("aesthetic-score", micro.aesthetic_score);
  check_score("negative-aesthetic-score", micro.negative_aesthetic_score);
}

std::vector<std::pair<std::string, std::string>> micro_conditioning_fields(const MicroConditioning& micro) {
  std::vector<std::pair<std::string, std::string>> fields;
  const auto add_size = [&fields](std::string_view name, const std::optional<PictureSize>& size) {
    if (size) fields.emplace_back(name, fmt::format("{}x{}", size->width, size->height));
  };
  const auto add_score = [&fields](std::string_view name, const std::optional<double>& score) {
    if (score) fields.emplace_back(name, fmt::format("{}", *score));
  };
  add_size(field::kOriginalSize, micro.original_size);
  if (micro.crop) fields.emplace_back(field::kCrop, fmt::format("{}x{}", micro.crop->left, micro.crop->top));
  add_size(field::kTargetSize, micro.target_size);
  add_score(field::kAestheticScore, micro.aesthetic_score);
  add_score(field::kNegativeAestheticScore, micro.negative_aesthetic_score);
  return fields;
}

}  // namespace safelight
