#include "image/extension_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/number_text.h"

namespace safelight {

std::string extension_text(const Extension& extension) {
  const auto [left, top, right, bottom] = extension;
  return fmt::format("left={},top={},right={},bottom={}", left, top, right, bottom);
}

std::optional<Extension> parse_extension(std::string_view text) {
  struct Side {
    std::string_view name;
    std::optional<std::int64_t> pixels;
  };
  std::array<Side, 4> sides{{{"left", {}}, {"top", {}}, {"right", {}}, {"bottom", {}}}};
  do {
    const std::string_view word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const std::size_t equals = std::min(word.find('='), word.size());
    const auto side = std::ranges::find(sides, word.substr(0, equals), &Side::name);
    const auto pixels = one_number<std::int64_t>(word.substr(std::min(equals + 1, word.size())));
    if (side == sides.end() || side->pixels || !pixels) return std::nullopt;
    side->pixels = pixels;
  } while (!text.empty());
  return Extension{.left = sides[0].pixels.value_or(0),
                   .top = sides[1].pixels.value_or(0),
                   .right = sides[2].pixels.value_or(0),
                   .bottom = sides[3].pixels.value_or(0)};
}

}  // namespace safelight
