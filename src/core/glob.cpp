#include "core/glob.h"

#include <cstddef>

namespace safelight {
namespace {

struct Step {
  std::size_t length = 0;  // of the pattern that was used
  bool fits = false;
};

// The set that begins behind "[" at pattern[0]. A ] right at its beginning belongs to it.
Step fit_set(std::string_view pattern, char c) noexcept {
  std::size_t i = 1;
  const bool negated = i < pattern.size() && pattern[i] == '!';
  if (negated) ++i;
  const auto code = static_cast<unsigned char>(c);
  bool found = false;
  for (const std::size_t first = i; i < pattern.size(); ++i) {
    if (pattern[i] == ']' && i > first) return {i + 1, found != negated};
    const auto low = static_cast<unsigned char>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      high = static_cast<unsigned char>(pattern[i + 2]);
      i += 2;
    }
    found = found || (low <= code && code <= high);
  }
  return {1, c == '['};
}

// One character against what stands at the front of the pattern, which is no star.
Step fit_one(std::string_view pattern, char c) noexcept {
  if (pattern[0] == '?') return {1, true};
  if (pattern[0] == '[') return fit_set(pattern, c);
  if (pattern[0] == '\\' && pattern.size() > 1) return {2, pattern[1] == c};
  return {1, pattern[0] == c};
}

}  // namespace

// Only the last star need ever take another character: whatever the earlier ones could still take, it can.
bool glob_fits(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0, t = 0;
  std::size_t star = std::string_view::npos, star_text = 0;  // behind the last star; where its run ends
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    if (const Step step = p < pattern.size() ? fit_one(pattern.substr(p), text[t]) : Step{}; step.fits) {
      p += step.length;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace safelight
