// An index as Python writes it.
#include <algorithm>
#include <charconv>

#include "core/fail.h"
#include "core/printable.h"
#include "safelight/indexing.h"

namespace safelight {
namespace {

constexpr std::string_view kSpace = " \t";

class SliceParser {
 public:
  explicit SliceParser(std::string_view text) : all_(text), rest_(text) {}

  Slices parse() {
    const bool brackets = take("[");
    Slices slices;
    const bool empty = take("()");  // as in x[()]: nothing is selected away
    while (!empty) {
      slices.push_back(item());
      if (!take(",") || done(brackets)) break;
    }
    if (brackets && !take("]")) expected("']'");
    if (!at_end()) expected("',' or the end");
    return slices;
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size())); }
  bool at_end() {
    skip_space();
    return rest_.empty();
  }
  bool done(bool brackets) { return at_end() || (brackets && rest_.front() == ']'); }
  bool take(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  Slice item() {
    if (take("...")) return Ellipsis{};
    if (take("None") || take("newaxis")) return NewAxis{};
    const std::optional<std::int64_t> start = integer();
    if (!take(":")) {
      if (!start) expected("an integer, a slice, '...' or None");
      return *start;
    }
    Range range{.start = start, .stop = integer()};
    if (take(":")) range.step = integer().value_or(1);
    return range;
  }

  // One beyond 64 bits is as good as the largest: it is outside every axis, and bounds are clamped.
  std::optional<std::int64_t> integer() {
    skip_space();
    const char* begin = rest_.data();
    const char* const end = begin + rest_.size();
    const bool plus = begin != end && *begin == '+' && begin + 1 != end && begin[1] != '-';
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(begin + plus, end, value);
    if (error == std::errc::invalid_argument) return std::nullopt;
    if (error == std::errc::result_out_of_range) value = *begin == '-' ? INT64_MIN : INT64_MAX;
    rest_.remove_prefix(static_cast<std::size_t>(stop - begin));
    return value;
  }

  [[noreturn]] void expected(const char* what) {
    fail(ErrorCategory::usage, "[slice] expected {} at position {} of the index \"{}\", found {}", what,
         all_.size() - rest_.size() + 1, printable(all_, 120),
         rest_.empty() ? "its end" : "'" + printable(rest_.substr(0, 1)) + "'");
  }

  const std::string_view all_;
  std::string_view rest_;
};

}  // namespace

Slices parse_slices(std::string_view text) { return SliceParser(text).parse(); }

}  // namespace safelight
