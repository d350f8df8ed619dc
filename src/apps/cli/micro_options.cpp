#include "apps/cli/micro_options.h"

#include "core/fail.h"
#include "core/number_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

// "1024x768"
std::optional<PictureSize> given_size(std::string_view what, const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto found = two_numbers<std::int64_t>(*text, 'x');
  if (!found) fail(ErrorCategory::usage, "[{}] expected two numbers WIDTHxHEIGHT, found {}", what, printable(*text));
  return PictureSize{.width = found->first, .height = found->second};
}

// "0,64"
std::optional<PictureCorner> given_crop(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto found = two_numbers<std::int64_t>(*text, ',');
  if (!found) fail(ErrorCategory::usage, "[crop] expected two numbers LEFT,TOP, found {}", printable(*text));
  return PictureCorner{.left = found->first, .top = found->second};
}

}  // namespace

void add_micro_options(Command command, MicroArguments& o) {
  command
      .add_option("--original-size", o.original_size,
                  "Of SDXL and its refiner: as if the picture had been scaled from this size")
      .shown_as("WxH");
  command.add_option("--crop", o.crop, "Of SDXL and its refiner: as if this much had been cut off")
      .shown_as("LEFT,TOP");
  command.add_option("--target-size", o.target_size, "Of SDXL: the size it is told; without it, that of the picture")
      .shown_as("WxH");
  command.add_option("--aesthetic-score", o.aesthetic_score, "Of SDXL's refiner: 0 to 10; without it, 6");
  command.add_option("--negative-aesthetic-score", o.negative_aesthetic_score,
                     "The same for the negative prompt; without it, 2.5");
}

MicroConditioning given_micro(const MicroArguments& o) {
  return {.original_size = given_size("original-size", o.original_size),
          .crop = given_crop(o.crop),
          .target_size = given_size("target-size", o.target_size),
          .aesthetic_score = o.aesthetic_score,
          .negative_aesthetic_score = o.negative_aesthetic_score};
}

}  // namespace safelight::cli
