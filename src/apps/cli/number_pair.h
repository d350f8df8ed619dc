// Two numbers in one word, such as 0.2,0.8 and 1024x768.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <utility>

namespace safelight::cli {

// Nothing if the text is something else.
template <class Number>
std::optional<std::pair<Number, Number>> two_numbers(const std::string& text, char separator) {
  std::pair<Number, Number> found{};
  const char* const end = text.data() + text.size();
  const auto [middle, bad_first] = std::from_chars(text.data(), end, found.first);
  const bool has_first = bad_first == std::errc() && middle != end && *middle == separator;
  const auto [rest, bad_second] = std::from_chars(has_first ? middle + 1 : end, end, found.second);
  return bad_second == std::errc() && rest == end ? std::optional(found) : std::nullopt;
}

}  // namespace safelight::cli
