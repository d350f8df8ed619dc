// The page is a table of cells, five in a row:
//
//   model.diffusion_model.input_blocks.       name, on up to two lines
//   1.1.proj_in.weight
//       ▁▂▅█▇▃▁                               histogram; the line below it is drawn where there is data
//   -0.31 .. 0.42   mean 0.001   std 0.08     numbers
#include "apps/cli/stat_chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"
#include "core/human.h"
#include "core/printable.h"
#include "image/typeset.h"

namespace safelight::cli {
namespace {

constexpr Colour kPaper{250, 250, 247}, kInk{40, 42, 46}, kFaint{120, 124, 130}, kRule{214, 216, 218};
constexpr Colour kBar{63, 111, 168}, kAlarm{190, 45, 40};
constexpr int kColumns = 5, kCellWidth = 280, kCellHeight = 104, kMargin = 24, kHeading = 56;
constexpr int kBarsWidth = 256, kBarsHeight = 40, kBarsTop = 32;
constexpr std::int64_t kMostPixels = 100'000'000;  // what read_png() accepts, too
constexpr std::int64_t kTallest = 65'535;

void fill(Picture& picture, std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, Colour colour) {
  for (std::int64_t row = y; row < y + height; ++row)
    for (std::int64_t column = x; column < x + width; ++column) std::ranges::copy(colour, picture.at(column, row));
}

void draw_bars(Picture& picture, const Statistics& s, int x, int y) {
  fill(picture, x, y + kBarsHeight, kBarsWidth, 1, kRule);
  const auto bins = static_cast<std::int64_t>(s.histogram.size());
  const std::int64_t most = bins == 0 ? 0 : *std::ranges::max_element(s.histogram);
  for (std::int64_t b = 0; b < bins; ++b) {
    const std::int64_t count = s.histogram[static_cast<std::size_t>(b)];
    if (count == 0) continue;
    const std::int64_t left = b * kBarsWidth / bins, right = (b + 1) * kBarsWidth / bins;
    const auto height = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(kBarsHeight * static_cast<double>(count) / static_cast<double>(most)));
    fill(picture, x + left, y + kBarsHeight - height, std::max<std::int64_t>(right - left, 1), height, kBar);
  }
}

std::string numbers(const Statistics& s) {
  if (!s.numeric) return "no numbers";
  return fmt::format("{:.3g} .. {:.3g}   mean {:.3g}   std {:.3g}", s.min, s.max, s.mean, s.std);
}

std::string alarm(const Statistics& s) {
  std::string text;
  if (s.nans > 0) text += fmt::format("{} NaN", human_count(static_cast<std::uint64_t>(s.nans)));
  if (s.infinities > 0)
    text +=
        fmt::format("{}{} infinite", text.empty() ? "" : ", ", human_count(static_cast<std::uint64_t>(s.infinities)));
  return text;
}

void draw_cell(Picture& picture, const ChartEntry& entry, const Typeface& face, int x, int y) {
  const auto lines = face.wrap(printable(entry.tensor->name), kBarsWidth, 2);
  for (std::size_t i = 0; i < lines.size(); ++i)
    face.draw(picture, lines[i], x, y + static_cast<int>(i) * face.line_height(), kInk);
  draw_bars(picture, *entry.statistics, x, y + kBarsTop);
  const int below = y + kBarsTop + kBarsHeight + 4;
  face.draw(picture, numbers(*entry.statistics), x, below, kFaint);
  if (const std::string text = alarm(*entry.statistics); !text.empty())
    face.draw(picture, text, x + kBarsWidth - face.width(text), y + kBarsTop, kAlarm);
}

}  // namespace

Picture stat_chart(const std::string& title, std::span<const ChartEntry> entries) {
  const auto count = static_cast<std::int64_t>(entries.size());
  const std::int64_t columns = std::clamp<std::int64_t>(count, 1, kColumns), rows = (count + columns - 1) / columns;
  const std::int64_t width = 2 * kMargin + std::max<std::int64_t>(columns, 2) * kCellWidth,
                     height = kHeading + rows * kCellHeight + kMargin;
  if (height > kTallest || width * height > kMostPixels)
    fail(ErrorCategory::limit, "[stat] a chart of {} tensors would be {} x {} pixels; name fewer tensors", count, width,
         height);
  Picture picture(width, height);
  fill(picture, 0, 0, width, height, kPaper);
  const Typeface heading(18), face(11);
  heading.draw(picture, heading.wrap(title, static_cast<int>(width) - 2 * kMargin, 1).at(0), kMargin, 16, kInk);
  for (std::int64_t i = 0; i < count; ++i)
    draw_cell(picture, entries[static_cast<std::size_t>(i)], face, static_cast<int>(kMargin + i % columns * kCellWidth),
              static_cast<int>(kHeading + i / columns * kCellHeight));
  return picture;
}

}  // namespace safelight::cli
