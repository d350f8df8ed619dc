#include "apps/cli/float_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace safelight::cli {
namespace {

// Bits of the fraction, and the exponent of the smallest normal number.
struct FloatFormat {
  int fraction, smallest;
};

// From "1.234e-05". Zeros at the end go.
Decimal parse_scientific(const std::string& text) {
  const std::size_t e = text.find('e');
  Decimal d{text.substr(0, e), std::atoi(text.c_str() + e + 1) + 1};
  std::erase(d.digits, '.');
  d.digits.erase(d.digits.find_last_not_of('0') + 1);
  return d;
}

// The least digits whose value lies nearer to `value` than to its neighbours in the type.
std::string shortest_in(const FloatFormat& format, double value) {
  int exponent = 0;
  const double half = std::frexp(value, &exponent);
  const int ulp_exponent = std::max(exponent - 1, format.smallest) - format.fraction;
  const double ulp = std::ldexp(1.0, ulp_exponent);
  const bool narrow_below = half == 0.5 && exponent - 1 > format.smallest;
  const double low = value - (narrow_below ? ulp / 4 : ulp / 2), high = value + ulp / 2;
  const bool even = std::fmod(value / ulp, 2) == 0;  // the middle between two rounds to the even one
  for (int digits = 0;; ++digits) {
    std::string text = fmt::format("{:.{}e}", value, digits);
    const double read = std::strtod(text.c_str(), nullptr);
    if (even ? low <= read && read <= high : low < read && read < high) return text;
  }
}

template <class Float>
std::string shortest_of(Float value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr};
}

std::string shortest(DType dtype, double value) {
  switch (dtype) {
    case DType::F64:
      return shortest_of(value);
    case DType::F16:
      return shortest_in({10, -14}, value);
    case DType::BF16:
      return shortest_in({7, -126}, value);
    default:  // and of 8 bits: with one or two digits, 448 would be shown as 450, as if it were another number
      return shortest_of(static_cast<float>(value));
  }
}

}  // namespace

Decimal shortest_decimal(DType dtype, double value, int most_digits, bool fraction) {
  const double magnitude = std::abs(value);
  if (magnitude == 0) return {};
  Decimal d = parse_scientific(shortest(dtype, magnitude));
  const int after_point = static_cast<int>(d.digits.size()) - (fraction ? d.exponent : 1);
  if (after_point <= most_digits) return d;
  if (!fraction) return parse_scientific(fmt::format("{:.{}e}", magnitude, most_digits));
  const std::string fixed = fmt::format("{:.{}f}", magnitude, most_digits);
  d.digits = fixed;
  std::erase(d.digits, '.');
  d.exponent = static_cast<int>(d.digits.size()) - most_digits;
  const std::size_t zeros = std::min(d.digits.find_first_not_of('0'), d.digits.size());
  d.digits.erase(0, zeros);
  d.exponent = d.digits.empty() ? 0 : d.exponent - static_cast<int>(zeros);
  d.digits.erase(d.digits.find_last_not_of('0') + 1);
  return d;
}

}  // namespace safelight::cli
