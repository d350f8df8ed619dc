// Typesetting through FreeType.
#include "image/typeset.h"

#include <ft2build.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <cassert>

#include "core/utf8.h"
#include "image/font_data.h"

namespace safelight {
namespace {

constexpr std::string_view kEllipsis = "\u2026";
constexpr char32_t kReplacement = 0xFFFD;

// Takes the first character off `text`.
char32_t take_character(std::string_view& text) { return take_code_point(text).value_or(kReplacement); }

std::vector<std::string_view> words(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  std::vector<std::string_view> result;
  for (std::size_t begin = text.find_first_not_of(kSpace); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
    result.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kSpace, end);
  }
  return result;
}

}  // namespace

struct Typeface::Face {
  FT_Library library = nullptr;
  FT_Face face = nullptr;

  explicit Face(int pixels) {
    const std::span<const std::byte> data = font_data();
    [[maybe_unused]] bool ready = FT_Init_FreeType(&library) == 0;
    ready = ready && FT_New_Memory_Face(library, reinterpret_cast<const FT_Byte*>(data.data()),
                                        static_cast<FT_Long>(data.size()), 0, &face) == 0;
    ready = ready && FT_Set_Pixel_Sizes(face, 0, static_cast<FT_UInt>(pixels)) == 0;
    assert(ready);  // the typeface is part of the program
  }
  ~Face() {
    FT_Done_Face(face);
    FT_Done_FreeType(library);
  }
  Face(const Face&) = delete;
  Face& operator=(const Face&) = delete;

  // Calls each(glyph slot, x) for every character, x being where its origin lies; returns where the line ends.
  // Light hinting snaps to the pixel grid vertically only, so spacing stays even.
  template <class Each>
  int walk(std::string_view line, int load_flags, Each&& each) const {
    FT_Pos pen = 0;  // in 1/64 pixel
    FT_UInt previous = 0;
    while (!line.empty()) {
      const FT_UInt glyph = FT_Get_Char_Index(face, take_character(line));
      FT_Vector kerning{};
      if (previous) FT_Get_Kerning(face, previous, glyph, FT_KERNING_UNFITTED, &kerning);
      pen += kerning.x;
      if (FT_Load_Glyph(face, glyph, FT_LOAD_TARGET_LIGHT | load_flags) != 0) continue;
      each(face->glyph, static_cast<int>((pen + 32) / 64));
      pen += face->glyph->linearHoriAdvance / 1024;  // 16.16 -> 26.6
      previous = glyph;
    }
    return static_cast<int>((pen + 63) / 64);
  }
};

Typeface::Typeface(int pixels) : face_(std::make_unique<Face>(pixels)) {}
Typeface::~Typeface() = default;

// Four thirds of the em, the usual leading for small text; the typeface's own is tighter.
int Typeface::line_height() const noexcept { return (face_->face->size->metrics.y_ppem * 4 + 2) / 3; }

int Typeface::width(std::string_view text) const {
  return face_->walk(text, FT_LOAD_DEFAULT, [](FT_GlyphSlot, int) {});
}

std::vector<std::string> Typeface::wrap(std::string_view text, int width, int max_lines) const {
  std::vector<std::string> lines;
  std::string line;
  for (std::string_view word : words(text)) {
    if (static_cast<int>(lines.size()) > max_lines) break;
    const std::string longer = line.empty() ? std::string(word) : line + ' ' + std::string(word);
    if (this->width(longer) <= width) {
      line = longer;
      continue;
    }
    if (!line.empty()) lines.push_back(std::move(line));
    line.clear();
    while (!word.empty() && static_cast<int>(lines.size()) <= max_lines) {  // a word too long for a line is cut
      std::string_view rest = word;
      std::string_view fitting;
      while (!rest.empty()) {
        take_character(rest);
        const std::string_view candidate = word.substr(0, word.size() - rest.size());
        if (!fitting.empty() && this->width(candidate) > width) break;
        fitting = candidate;
      }
      word.remove_prefix(fitting.size());
      if (word.empty())
        line = fitting;
      else
        lines.emplace_back(fitting);
    }
  }
  if (!line.empty()) lines.push_back(std::move(line));
  if (static_cast<int>(lines.size()) <= max_lines) return lines;

  lines.resize(static_cast<std::size_t>(max_lines));
  std::string& last = lines.back();
  while (!last.empty() && this->width(last + std::string(kEllipsis)) > width) {
    while (!last.empty() && (static_cast<unsigned char>(last.back()) & 0xC0) == 0x80) last.pop_back();
    if (!last.empty()) last.pop_back();
    while (!last.empty() && (last.back() == ' ' || last.back() == ',')) last.pop_back();
  }
  last += kEllipsis;
  return lines;
}

void Typeface::draw(Picture& picture, std::string_view line, int x, int y, Colour colour) const {
  const int baseline = y + static_cast<int>((face_->face->size->metrics.ascender + 63) / 64);
  face_->walk(line, FT_LOAD_RENDER, [&](FT_GlyphSlot glyph, int origin) {
    const FT_Bitmap& bitmap = glyph->bitmap;
    for (int row = 0; row < static_cast<int>(bitmap.rows); ++row) {
      const int py = baseline - glyph->bitmap_top + row;
      if (py < 0 || py >= picture.height) continue;
      for (int column = 0; column < static_cast<int>(bitmap.width); ++column) {
        const int px = x + origin + glyph->bitmap_left + column;
        if (px < 0 || px >= picture.width) continue;
        const int ink = bitmap.buffer[row * bitmap.pitch + column];
        std::uint8_t* pixel = picture.at(px, py);
        for (std::size_t c = 0; c < 3; ++c)
          pixel[c] = static_cast<std::uint8_t>((pixel[c] * (255 - ink) + colour[c] * ink + 127) / 255);
      }
    }
  });
}

}  // namespace safelight
