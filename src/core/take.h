// Taking names apart from their ends: "down_blocks.1.resnets.0.conv1".
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace safelight {

// Takes `prefix` off, if it is there.
inline bool take(std::string_view& text, std::string_view prefix) noexcept {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Takes `suffix` off, if it is there.
inline bool take_end(std::string_view& text, std::string_view suffix) noexcept {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

// Takes a number and the dot behind it, or the number that is the whole text. On failure, text is as it was or shorter.
inline std::optional<int> take_number(std::string_view& text) noexcept {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && !take(text, ".")) return std::nullopt;
  return value;
}

}  // namespace safelight
