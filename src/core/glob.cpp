#include "core/glob.h"

#include "core/utf8.h"

namespace safelight {
namespace {

// `pattern` begins with the [ of a set that is closed. Takes the set off and says whether `c` is in it.
bool take_set(std::string_view& pattern, std::size_t close, unsigned char c) noexcept {
  std::string_view set = pattern.substr(1, close - 1);
  pattern.remove_prefix(close + 1);
  const bool negated = set.starts_with('!') || set.starts_with('^');
  if (negated) set.remove_prefix(1);
  bool found = false;
  while (!set.empty()) {
    const auto first = static_cast<unsigned char>(set[0]);
    const bool range = set.size() > 2 && set[1] == '-';
    const auto last = range ? static_cast<unsigned char>(set[2]) : first;
    found = found || (first <= c && c <= last);
    set.remove_prefix(range ? 3 : 1);
  }
  return found != negated;
}

// Takes one element other than * off the pattern and one character off the text; false if they do not fit, and then
// both are of no more use.
bool take_one(std::string_view& pattern, std::string_view& text) noexcept {
  if (pattern.empty() || text.empty()) return false;
  if (pattern.front() == '?') {
    pattern.remove_prefix(1);
    take_code_point(text);
    return true;
  }
  if (pattern.front() == '[') {
    // A ] that comes first, or after the !, is a member.
    const std::size_t first = pattern.size() > 1 && (pattern[1] == '!' || pattern[1] == '^') ? 2 : 1;
    if (const std::size_t close = pattern.find(']', first + 1); close != std::string_view::npos) {
      const auto c = static_cast<unsigned char>(text.front());
      take_code_point(text);
      return take_set(pattern, close, c);
    }
  }
  if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
  if (pattern.front() != text.front()) return false;
  pattern.remove_prefix(1);
  text.remove_prefix(1);
  return true;
}

}  // namespace

// Only the last * need be tried again: what an earlier one would take, it can take as well.
bool glob_match(std::string_view pattern, std::string_view text) noexcept {
  if (pattern == text) return true;
  std::string_view after_star, retry;
  bool starred = false;
  for (;;) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      after_star = pattern;
      retry = text;
      starred = true;
    } else if (pattern.empty() && text.empty()) {
      return true;
    } else if (!take_one(pattern, text)) {
      if (!starred || retry.empty()) return false;
      retry.remove_prefix(1);
      pattern = after_star;
      text = retry;
    }
  }
}

}  // namespace safelight
