// The layout: cells of one width, rows as high as their tallest print and longest caption.
#include "image/contact_sheet.h"

#include <algorithm>
#include <cmath>

#include "core/fail.h"
#include "image/resize.h"
#include "image/typeset.h"

namespace safelight {
namespace {

constexpr std::int64_t kSmallPrint = 256, kLargePrint = 512;  // what small pictures grow to, large ones shrink to
constexpr std::int64_t kMargin = 40, kGap = 32, kBorder = 6, kCaptionGap = 12;
constexpr std::int64_t kMaxPixels = 100'000'000;
constexpr int kTextSize = 15, kMaxLines = 4, kMaxColumns = 6;
constexpr Colour kGround{24, 19, 18}, kPaper{236, 229, 216}, kText{214, 196, 182};  // a darkroom, seen by its lamp

struct Size {
  std::int64_t width, height;
};

Size print_size(const Picture& picture) {
  const std::int64_t longer = std::max(picture.width, picture.height);
  if (longer > kLargePrint)
    return {std::max<std::int64_t>(picture.width * kLargePrint / longer, 1),
            std::max<std::int64_t>(picture.height * kLargePrint / longer, 1)};
  const std::int64_t factor = longer * 4 > kSmallPrint * 3 ? 1 : (kSmallPrint + longer - 1) / longer;
  return {picture.width * factor, picture.height * factor};
}

struct Cell {
  Size print;
  std::vector<std::string> lines;
};

struct Layout {
  int columns = 1;
  std::int64_t cell_width = 0;
  std::vector<Cell> cells;
  std::vector<std::int64_t> print_heights, row_heights;  // per row
  Size sheet{};
};

int choose_columns(int wanted, std::size_t entries) {
  const int automatic =
      std::min(static_cast<int>(std::ceil(std::sqrt(1.5 * static_cast<double>(entries)))), kMaxColumns);
  return static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(wanted ? wanted : automatic), entries));
}

Layout lay_out(std::span<const SheetEntry> entries, int columns, const Typeface& typeface) {
  Layout layout;
  layout.columns = choose_columns(columns, entries.size());
  for (const SheetEntry& entry : entries) {
    layout.cells.push_back({print_size(entry.picture), {}});
    layout.cell_width = std::max(layout.cell_width, layout.cells.back().print.width + 2 * kBorder);
  }
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Cell& cell = layout.cells[i];
    cell.lines = typeface.wrap(entries[i].caption, static_cast<int>(layout.cell_width), kMaxLines);
    if (i % static_cast<std::size_t>(layout.columns) == 0) {
      layout.print_heights.push_back(0);
      layout.row_heights.push_back(0);
    }
    layout.print_heights.back() = std::max(layout.print_heights.back(), cell.print.height + 2 * kBorder);
    const std::int64_t text = static_cast<std::int64_t>(cell.lines.size()) * typeface.line_height();
    layout.row_heights.back() = std::max(layout.row_heights.back(), text);
  }
  layout.sheet.width = 2 * kMargin + layout.columns * (layout.cell_width + kGap) - kGap;
  layout.sheet.height = 2 * kMargin - kGap;
  for (std::size_t row = 0; row < layout.row_heights.size(); ++row) {
    layout.row_heights[row] += layout.print_heights[row] + kCaptionGap;
    layout.sheet.height += layout.row_heights[row] + kGap;
  }
  return layout;
}

void fill(Picture& sheet, std::int64_t x, std::int64_t y, Size size, Colour colour) {
  for (std::int64_t row = y; row < y + size.height; ++row)
    for (std::int64_t column = x; column < x + size.width; ++column)
      std::copy(colour.begin(), colour.end(), sheet.at(column, row));
}

void paste(Picture& sheet, const Picture& print, std::int64_t x, std::int64_t y) {
  for (std::int64_t row = 0; row < print.height; ++row)
    std::copy_n(print.at(0, row), print.width * 3, sheet.at(x, y + row));
}

// The print stands on the row's common lower edge, centred in its cell, on a paper border; the caption starts below.
void draw_cell(Picture& sheet, const SheetEntry& entry, const Cell& cell, std::int64_t x, std::int64_t y,
               const Layout& layout, std::size_t row, const Typeface& typeface) {
  const std::int64_t left = x + (layout.cell_width - cell.print.width) / 2;
  const std::int64_t top = y + layout.print_heights[row] - kBorder - cell.print.height;
  fill(sheet, left - kBorder, top - kBorder, {cell.print.width + 2 * kBorder, cell.print.height + 2 * kBorder}, kPaper);
  paste(sheet, sheet_print(entry.picture), left, top);
  int text_y = static_cast<int>(y + layout.print_heights[row] + kCaptionGap);
  for (const std::string& line : cell.lines) {
    typeface.draw(sheet, line, static_cast<int>(x), text_y, kText);
    text_y += typeface.line_height();
  }
}

}  // namespace

Picture sheet_print(const Picture& picture) {
  const Size size = print_size(picture);
  return resize(picture, size.width, size.height);
}

Picture contact_sheet(std::span<const SheetEntry> entries, const SheetOptions& options) {
  if (entries.empty()) fail(ErrorCategory::usage, "[sheet] expected at least one picture, found none");
  if (options.columns < 0) fail(ErrorCategory::usage, "[sheet] expected 1 or more columns, found {}", options.columns);
  const Typeface typeface(kTextSize);
  const Layout layout = lay_out(entries, options.columns, typeface);
  if (layout.sheet.width > kMaxPixels / layout.sheet.height)
    fail(ErrorCategory::limit, "[sheet] {} pictures make a sheet of {} x {} pixels, more than the {} million allowed",
         entries.size(), layout.sheet.width, layout.sheet.height, kMaxPixels / 1'000'000);

  Picture sheet(layout.sheet.width, layout.sheet.height);
  fill(sheet, 0, 0, layout.sheet, kGround);
  std::int64_t y = kMargin;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::size_t row = i / static_cast<std::size_t>(layout.columns);
    const std::size_t column = i % static_cast<std::size_t>(layout.columns);
    const std::int64_t x = kMargin + static_cast<std::int64_t>(column) * (layout.cell_width + kGap);
    draw_cell(sheet, entries[i], layout.cells[i], x, y, layout, row, typeface);
    if (column + 1 == static_cast<std::size_t>(layout.columns)) y += layout.row_heights[row] + kGap;
  }
  return sheet;
}

}  // namespace safelight
