#include "format/json_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace safelight {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t kExponentLimit = std::numeric_limits<std::int32_t>::max();

bool digit(char c) { return c >= '0' && c <= '9'; }

// significand x 10^exponent, of which the significand keeps the leading digits that fit 64 bits.
struct Decimal {
  std::uint64_t significand = 0;
  std::int64_t exponent = 0;
  bool full = false;  // a digit did not fit: it and all later ones are dropped

  void add(char c, bool fraction) noexcept {
    const auto value = static_cast<std::uint64_t>(c - '0');
    full = full || significand > kMax / 10 || (significand == kMax / 10 && value > kMax % 10);
    if (!full) significand = significand * 10 + value;
    exponent += (full && !fraction) ? 1 : (!full && fraction) ? -1 : 0;
  }
};

// The reference multiplies the rounded significand by the rounded power of ten, which overflows a little earlier than
// correct rounding would: 17976931348623158e292 is out of range for it, although it is the largest double.
bool overflows_double(const Decimal& d) {
  if (d.significand == 0 || d.exponent < 0) return false;
  if (d.exponent > 308) return true;
  const std::string text = "1e" + std::to_string(d.exponent);
  double power = 0;
  std::from_chars(text.data(), text.data() + text.size(), power);
  return std::isinf(static_cast<double>(d.significand) * power);
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : rest_(text) {}

  bool done() const noexcept { return rest_.empty(); }
  bool take(char c) noexcept {
    const bool found = !rest_.empty() && rest_.front() == c;
    if (found) rest_.remove_prefix(1);
    return found;
  }
  // Calls use(c) for each digit of the run; false if there is none.
  template <class Use>
  bool digits(Use use) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), digit);
    const auto count = static_cast<std::size_t>(end - rest_.begin());
    std::for_each(rest_.begin(), end, use);
    rest_.remove_prefix(count);
    return count > 0;
  }

 private:
  std::string_view rest_;
};

}  // namespace

Number parse_number(std::string_view token) noexcept {
  Scanner scan(token);
  Decimal number;
  const bool negative = scan.take('-');
  bool integer = true;
  if (!scan.take('0') && !scan.digits([&](char c) { number.add(c, false); })) return {};
  if (scan.take('.')) {
    integer = false;
    if (!scan.digits([&](char c) { number.add(c, true); })) return {};
  }
  if (scan.take('e') || scan.take('E')) {
    integer = false;
    const bool down = scan.take('-');
    if (!down) scan.take('+');
    std::int64_t exponent = 0;
    if (!scan.digits([&](char c) { exponent = std::min(exponent * 10 + (c - '0'), kExponentLimit); })) return {};
    number.exponent += down ? -exponent : exponent;
  }
  if (!scan.done()) return {};
  if (integer && !negative && !number.full) return {NumberKind::unsigned_integer, number.significand};
  return {overflows_double(number) ? NumberKind::out_of_range : NumberKind::other, 0};
}

}  // namespace safelight
