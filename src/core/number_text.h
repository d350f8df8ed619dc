// Numbers in words: 25, and two in one, such as 0.2,0.8 and 1024x768.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace safelight {

// Nothing if the text is something else, or more.
template <class Number>
std::optional<Number> one_number(std::string_view text) {
  Number found{};
  const char* const end = text.data() + text.size();
  const auto [rest, bad] = std::from_chars(text.data(), end, found);
  return bad == std::errc() && rest == end ? std::optional(found) : std::nullopt;
}

template <class Number>
std::optional<std::pair<Number, Number>> two_numbers(std::string_view text, char separator) {
  std::pair<Number, Number> found{};
  const char* const end = text.data() + text.size();
  const auto [middle, bad_first] = std::from_chars(text.data(), end, found.first);
  const bool has_first = bad_first == std::errc() && middle != end && *middle == separator;
  const auto [rest, bad_second] = std::from_chars(has_first ? middle + 1 : end, end, found.second);
  return bad_second == std::errc() && rest == end ? std::optional(found) : std::nullopt;
}

}  // namespace safelight
