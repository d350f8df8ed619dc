#include "image/contact_sheet.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

#include "safelight/error.h"

namespace safelight {
namespace {

Picture flat(std::int64_t width, std::int64_t height, std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  Picture picture(width, height);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    picture.rgb[i] = red;
    picture.rgb[i + 1] = green;
    picture.rgb[i + 2] = blue;
  }
  return picture;
}

std::int64_t pixels_of(const Picture& sheet, const std::array<std::uint8_t, 3>& colour) {
  std::int64_t count = 0;
  for (std::int64_t y = 0; y < sheet.height; ++y)
    for (std::int64_t x = 0; x < sheet.width; ++x) count += std::equal(colour.begin(), colour.end(), sheet.at(x, y));
  return count;
}

TEST(ContactSheet, ShowsEveryPictureWhole) {
  const std::vector<SheetEntry> entries{{flat(128, 128, 250, 0, 0), "red"},
                                        {flat(64, 128, 0, 250, 0), "green, and narrow"},
                                        {flat(600, 300, 0, 0, 250), ""}};
  const Picture sheet = contact_sheet(entries, {.columns = 2});
  EXPECT_EQ(pixels_of(sheet, {250, 0, 0}), 256 * 256);
  EXPECT_EQ(pixels_of(sheet, {0, 250, 0}), 128 * 256);
  EXPECT_EQ(pixels_of(sheet, {0, 0, 250}), 512 * 256);
  EXPECT_GT(sheet.height, 2 * 256);
}

TEST(ContactSheet, ColumnsSetTheShape) {
  const std::vector<SheetEntry> entries(4, {flat(128, 128, 250, 0, 0), "x"});
  const Picture column = contact_sheet(entries, {.columns = 1}), row = contact_sheet(entries, {.columns = 4});
  EXPECT_GT(column.height, 3 * column.width);
  EXPECT_GT(row.width, 3 * row.height);
  EXPECT_EQ(contact_sheet(entries, {.columns = 99}).width, row.width);
}

TEST(ContactSheet, LongerCaptionsMakeRoom) {
  const std::vector<SheetEntry> brief{{flat(128, 128, 0, 0, 0), "x"}};
  const std::vector<SheetEntry> wordy{
      {flat(128, 128, 0, 0, 0), "a house on a hill under a sun that is seen by a boat"}};
  EXPECT_GT(contact_sheet(wordy).height, contact_sheet(brief).height);
}

TEST(ContactSheet, APrintIsItsOwnPrint) {
  for (const std::int64_t side : {1, 100, 128, 192, 193, 300, 512, 2000}) {
    const Picture print = sheet_print(flat(side, side, 1, 2, 3));
    EXPECT_EQ(sheet_print(print).width, print.width) << side;
    EXPECT_GE(print.width, 193) << side;
    EXPECT_LE(print.width, 512) << side;
  }
}

TEST(ContactSheet, RefusesNothingAndTooMuch) {
  EXPECT_THROW(contact_sheet({}), Error);
  const std::vector<SheetEntry> many(2000, {flat(1, 1, 0, 0, 0), ""});
  EXPECT_THROW(contact_sheet(many, {.columns = -1}), Error);
  EXPECT_THROW(contact_sheet(many), Error);
}

}  // namespace
}  // namespace safelight
