#include "core/human.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace safelight {

namespace {

// round: of a number with its last digit before the point.
std::string shown_bytes(std::uint64_t bytes, double (*round)(double)) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr std::array kUnits = {"KB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  // 999.5 would be shown as 1000 with three digits.
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  const double digit = decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
  return fmt::format("{:.{}f} {}", round(value * digit) / digit, decimals, kUnits[unit]);
}

}  // namespace

std::string human_bytes(std::uint64_t bytes) { return shown_bytes(bytes, std::nearbyint); }

std::string human_bytes_needed(std::uint64_t bytes) { return shown_bytes(bytes, std::ceil); }

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789", kPrefixes = "kmgtpe";
  const auto take_digits = [&] {
    const std::string_view digits = text.substr(0, text.find_first_not_of(kDigits));
    text.remove_prefix(digits.size());
    return digits;
  };
  const std::string_view whole = take_digits();
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits();
    if (fraction.empty()) return std::nullopt;
  }
  if (whole.empty()) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::string unit(text);
  std::ranges::transform(unit, unit.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });

  unsigned __int128 scale = 1;
  if (!unit.empty() && unit != "b") {
    const std::size_t power = kPrefixes.find(unit.front());
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) return std::nullopt;
    for (std::size_t i = 0; i <= power; ++i) scale *= rest == "ib" ? 1024 : 1000;
  }
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  constexpr std::size_t kMostDecimals = 18;  // 10^18 * 1024^6 is below 2^128
  if (fraction.size() > kMostDecimals) return std::nullopt;
  unsigned __int128 value = 0, part = 0, parts = 1;
  for (const char digit : whole)
    if ((value = value * 10 + static_cast<unsigned>(digit - '0')) > kMost) return std::nullopt;
  for (const char digit : fraction) {
    part = part * 10 + static_cast<unsigned>(digit - '0');
    parts *= 10;
  }
  if (part * scale % parts != 0) return std::nullopt;
  value = value * scale + part * scale / parts;
  return value > kMost ? std::nullopt : std::optional(static_cast<std::uint64_t>(value));
}

std::string exact_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return counted(bytes, "byte");
  return fmt::format("{} bytes ({})", human_count(bytes), human_bytes(bytes));
}

std::string human_count(std::uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", human_count(count), noun, count == 1 ? "" : "s");
}

}  // namespace safelight
