// Text as pixels: one built-in typeface (DejaVu Sans), lines broken between words. Left to right; a character that the
// typeface lacks shows as a box.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/picture.h"

namespace safelight {

using Colour = std::array<std::uint8_t, 3>;

// The typeface at one size. Thread-compatible.
class Typeface {
 public:
  // Size of the em square in pixels.
  explicit Typeface(int pixels);
  ~Typeface();

  int line_height() const noexcept;

  // Width of a line in pixels. Bytes that are no UTF-8 count, and show, as U+FFFD each.
  int width(std::string_view text) const;

  // Breaks text into lines no wider than `width`, between words where possible, inside a word that is too long by
  // itself. White space of any kind and length counts as one space. At most `max_lines`; if there is more text, the
  // last line ends in an ellipsis.
  std::vector<std::string> wrap(std::string_view text, int width, int max_lines) const;

  // Draws one line with its top left corner at (x, y); what falls outside the picture is cut off.
  void draw(Picture& picture, std::string_view line, int x, int y, Colour colour) const;

 private:
  struct Face;
  std::unique_ptr<Face> face_;
};

}  // namespace safelight
