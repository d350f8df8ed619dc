#include "apps/cli/hires_options.h"

#include <fmt/format.h>

#include <charconv>

#include "core/fail.h"
#include "core/json_text.h"
#include "core/printable.h"

namespace safelight::cli {
namespace {

template <class Number>
bool reads(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void add_hires_options(Command command, HiresArguments& o) {
  command
      .add_option("--hires", o.size,
                  "Enlarge the picture, so many times or to a size, and add detail in a second pass: small pictures\n"
                  "are composed better")
      .shown_as("SCALE|WxH");
  command
      .add_option("--hires-upscaler", o.options.upscaler,
                  "latent (also latent_antialiased, latent_bicubic, latent_bicubic_antialiased, latent_nearest,\n"
                  "latent_nearest_exact), or lanczos")
      .show_default();
  command.add_option("--hires-steps", o.options.steps, "Steps of the second pass; 0: as many as of the first")
      .show_default();
  command
      .add_option("--hires-strength", o.options.strength, "How much the second pass changes: as transform's --strength")
      .show_default();
}

std::optional<HiresOptions> given_hires(const HiresArguments& o) {
  if (o.size.empty()) return std::nullopt;
  HiresOptions options = o.options;
  const std::string_view text = o.size;
  const std::size_t x = text.find('x');
  const bool is_size = x != std::string_view::npos && reads(text.substr(0, x), options.width) &&
                       reads(text.substr(x + 1), options.height) && options.width > 0 && options.height > 0;
  if (!is_size && (!reads(text, options.scale) || !(options.scale > 0)))
    fail(ErrorCategory::usage, "[hires] expected a scale or WIDTHxHEIGHT, found {}", printable(text));
  return options;
}

std::string hires_json(const std::optional<HiresOptions>& hires) {
  if (!hires) return "";
  return fmt::format(
      ",\"hires\":{{\"scale\":{},\"width\":{},\"height\":{},\"upscaler\":{},\"steps\":{},\"strength\":{}}}",
      hires->scale, hires->width, hires->height, json_string(hires->upscaler), hires->steps, hires->strength);
}

}  // namespace safelight::cli
