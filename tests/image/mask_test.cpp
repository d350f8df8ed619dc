// Masks: where they come from, their blur, their regions, and what is put under and through them.
#include "safelight/mask.h"

#include <gmock/gmock.h>

#include "image/blur.h"
#include "image/masked_content.h"
#include "image/outpaint_canvas.h"
#include "image/pictures.h"
#include "image/region.h"
#include "image/seam.h"
#include "support/expect_error.h"

namespace safelight::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

const Goldens& goldens() {
  static const Goldens goldens("operations.safetensors");
  return goldens;
}

Mask golden_mask(const std::string& name) {
  const Tensor t = goldens().tensor(name);
  Mask mask(t.dim(1), t.dim(0));
  const auto values = goldens().numbers(name);
  mask.values.assign(values.begin(), values.end());
  return mask;
}

// 255 inside the region.
Mask box(std::int64_t width, std::int64_t height, const Region& region) {
  Mask mask(width, height);
  for (std::int64_t y = region.y; y < region.y + region.height; ++y)
    for (std::int64_t x = region.x; x < region.x + region.width; ++x) mask.at(x, y) = 255;
  return mask;
}

TEST(Masks, FromLuminanceAndAlpha) {
  PictureFile file{.picture = Picture(4, 1)};
  file.picture.rgb = {255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255};
  EXPECT_THAT(mask_from_luminance(file.picture).values, ElementsAre(255, 76, 150, 29));
  EXPECT_THAT(mask_from_file(file).values, ElementsAre(255, 76, 150, 29));
  EXPECT_THAT(mask_from_transparency(file).values, ElementsAre(0, 0, 0, 0));
  file.alpha = {255, 0, 1, 254};
  EXPECT_THAT(mask_from_transparency(file).values, ElementsAre(0, 255, 254, 1));
  EXPECT_THAT(mask_from_file(file).values, ElementsAre(255, 0, 1, 254));
  EXPECT_THAT(inverted(mask_from_file(file)).values, ElementsAre(0, 255, 254, 1));
}

// OpenCV works with weights of eight bits.
TEST(Masks, BlurIsTheWebUis) {
  const Mask mask = golden_mask("mask");
  for (const int radius : {1, 4, 20})
    EXPECT_LE(
        largest_difference(blurred(mask, radius).values, goldens().numbers("mask_blur_" + std::to_string(radius))), 2)
        << radius;
  EXPECT_EQ(blurred(mask, 0).values, mask.values);
  EXPECT_THAT(blurred(Mask(1, 1, 77), 50).values, ElementsAre(77));
  EXPECT_THAT(blurred(Mask(3, 2, 255), 1000).values, Each(255));
  for (const double radius : {-1.0, 1000.5, std::nan("")})
    EXPECT_ERROR(blurred(mask, radius), usage, "expected a blur of 0 to 1000");
}

TEST(Masks, BoundingBox) {
  EXPECT_EQ(bounding_box(Mask(5, 4)), std::nullopt);
  EXPECT_EQ(bounding_box(Mask(5, 4), 3), std::nullopt);
  Mask mask(20, 10);
  mask.at(7, 3) = 1;
  mask.at(4, 6) = 255;
  EXPECT_EQ(bounding_box(mask), (Region{4, 3, 4, 4}));
  EXPECT_EQ(bounding_box(mask, 2), (Region{2, 1, 8, 8}));
  EXPECT_EQ(bounding_box(mask, 5), (Region{0, 0, 13, 10}));
  EXPECT_EQ(bounding_box(mask, std::numeric_limits<std::int64_t>::max()), (Region{0, 0, 20, 10}));
}

TEST(Masks, RegionsGrowToProportions) {
  // Evenly, the odd pixel at the end.
  EXPECT_EQ(grown_to_aspect({40, 40, 21, 10}, 1, 1, 100, 100), (Region{40, 35, 21, 21}));
  EXPECT_EQ(grown_to_aspect({40, 40, 10, 20}, 2, 1, 100, 100), (Region{25, 40, 40, 20}));
  EXPECT_EQ(grown_to_aspect({40, 40, 16, 9}, 16, 9, 100, 100), (Region{40, 40, 16, 9}));
  // Moved inside, from either border.
  EXPECT_EQ(grown_to_aspect({0, 0, 10, 30}, 1, 1, 100, 100), (Region{0, 0, 30, 30}));
  EXPECT_EQ(grown_to_aspect({90, 0, 10, 30}, 1, 1, 100, 100), (Region{70, 0, 30, 30}));
  EXPECT_EQ(grown_to_aspect({0, 95, 50, 5}, 1, 1, 100, 100), (Region{0, 50, 50, 50}));
  // Cut where the picture is too small.
  EXPECT_EQ(grown_to_aspect({10, 10, 80, 20}, 1, 1, 100, 50), (Region{10, 0, 80, 50}));
  EXPECT_EQ(grown_to_aspect({10, 10, 10, 40}, 4, 1, 60, 50), (Region{0, 10, 60, 40}));
}

TEST(Masks, CropAndPasteKeepWhatIsNotMasked) {
  const Picture original = gradient(12, 9);
  const Region region{3, 2, 6, 5};
  const Picture patch = flat(6, 5, 200);
  Mask mask(12, 9);
  mask.at(3, 2) = 255;
  mask.at(4, 2) = 128;
  mask.at(0, 0) = 255;  // outside the region
  Picture result = original;
  paste(result, patch, region, mask);
  for (std::int64_t y = 0; y < 9; ++y)
    for (std::int64_t x = 0; x < 12; ++x)
      for (int c = 0; c < 3; ++c) {
        const int before = original.at(x, y)[c], after = result.at(x, y)[c];
        const double share = x == 3 && y == 2 ? 1 : x == 4 && y == 2 ? 128 / 255.0 : 0;
        EXPECT_NEAR(after, before + (200 - before) * share, share == 0 ? 0 : 0.5001);
      }
  EXPECT_EQ(crop(original, {0, 0, 12, 9}).rgb, original.rgb);
  const Picture part = crop(original, region);
  EXPECT_EQ(part.width, 6);
  EXPECT_EQ(std::vector(part.at(5, 4), part.at(5, 4) + 3), std::vector(original.at(8, 6), original.at(8, 6) + 3));
  EXPECT_THAT(crop(mask, {3, 2, 2, 1}).values, ElementsAre(255, 128));
}

// Pillow works with whole numbers, and so loses what little colour comes from far away.
TEST(Masks, FillIsNearlyTheWebUis) {
  const Picture picture = goldens().picture("picture");
  const Mask mask = golden_mask("mask");
  const Picture filled = filled_from_around(picture, mask), expected = goldens().picture("filled");
  EXPECT_LE(largest_difference(filled.rgb, expected.rgb), 6);
  for (std::size_t i = 0; i < filled.rgb.size(); ++i)
    EXPECT_TRUE(mask.values[i / 3] != 0 || filled.rgb[i] == picture.rgb[i]) << i;
}

TEST(Masks, FillOfFlatAndOfNothing) {
  const Picture red = flat(40, 30, 90);
  EXPECT_THAT(filled_from_around(red, box(40, 30, {10, 10, 20, 15})).rgb, Each(90));
  EXPECT_THAT(filled_from_around(red, Mask(40, 30, 255)).rgb, Each(127));
  EXPECT_EQ(filled_from_around(gradient(40, 30), Mask(40, 30)).rgb, gradient(40, 30).rgb);
}

TEST(Masks, ContentsByName) {
  for (const MaskedContentInfo& row : masked_contents()) {
    EXPECT_EQ(parse_masked_content(row.names.name), row.content);
    EXPECT_EQ(parse_masked_content(row.names.label), row.content);
    EXPECT_EQ(&info(row.content), &row);
  }
  EXPECT_ERROR(parse_masked_content("noise"), usage, "fill, original, latent noise, latent nothing");
}

TEST(Outpaint, KeepsThePictureAndContinuesIt) {
  const Picture picture = waves(40, 32);
  const OutpaintCanvas canvas = extended(picture, {.left = 16, .top = 3, .right = 60, .bottom = 0}, 7);
  EXPECT_EQ(canvas.known, (Region{16, 3, 40, 32}));
  EXPECT_EQ(canvas.picture.width, 116);
  EXPECT_EQ(canvas.picture.height, 35);
  EXPECT_EQ(crop(canvas.picture, canvas.known).rgb, picture.rgb);
  // No seam: the step over the edge is hardly larger than those within, which are up to 8.
  for (std::int64_t y = 3; y < 35; ++y)
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(canvas.picture.at(15, y)[c], canvas.picture.at(16, y)[c], 10);
      EXPECT_NEAR(canvas.picture.at(56, y)[c], canvas.picture.at(55, y)[c], 10);
    }
  EXPECT_EQ(extended(picture, {.left = 16, .top = 3, .right = 60}, 7).picture.rgb, canvas.picture.rgb);
  EXPECT_NE(extended(picture, {.left = 16, .top = 3, .right = 60}, 8).picture.rgb, canvas.picture.rgb);
}

TEST(Outpaint, AFlatPictureStaysFlat) {
  EXPECT_THAT(extended(flat(5, 1, 33), {.left = 30, .bottom = 300}, 1).picture.rgb, Each(33));
}

TEST(Outpaint, RefusesSidesThatMakeNoSense) {
  const Picture picture = flat(10, 10, 0);
  EXPECT_ERROR(extended(picture, {}, 0), usage, "one side or more");
  EXPECT_ERROR(extended(picture, {.left = 8, .top = -1}, 0), usage, "top -1");
  EXPECT_ERROR(extended(picture, {.left = 65526}, 0), limit, "65535 on a side");
  EXPECT_ERROR(extended(picture, {.left = 20'000, .top = 20'000}, 0), limit, "100 million");
  EXPECT_ERROR(extended(picture, {.bottom = std::numeric_limits<std::int64_t>::max()}, 0), limit, "65535");
}

TEST(Outpaint, SeamMask) {
  // 4 pixels added at the left, none elsewhere.
  const Mask mask = seam_mask(12, 3, {4, 0, 8, 3}, 4);
  for (std::int64_t y = 0; y < 3; ++y) {
    for (std::int64_t x = 0; x < 4; ++x) EXPECT_EQ(mask.at(x, y), 255);
    for (std::int64_t x = 4; x < 8; ++x) EXPECT_LT(mask.at(x, y), mask.at(x - 1, y));
    EXPECT_NEAR(mask.at(5, y) + mask.at(6, y), 255, 1);  // symmetric
    for (std::int64_t x = 8; x < 12; ++x) EXPECT_EQ(mask.at(x, y), 0);
  }
  const Mask hard = seam_mask(6, 5, {1, 2, 3, 2}, 0);
  EXPECT_EQ(hard.values, inverted(box(6, 5, {1, 2, 3, 2})).values);
}

// What is painted is darker by 40: without its tones made to meet, that is the step at the border.
TEST(Seam, TonesMeetAtTheBorderAndStayInside) {
  const Picture original = flat(96, 64, 200), painted = flat(96, 64, 160);
  const Mask mask = box(96, 64, {24, 0, 60, 64});
  Picture met = painted;
  meet_at_border(met, original, mask);
  for (const std::int64_t x : {24, 83}) EXPECT_NEAR(met.at(x, 30)[0], 200, 8);
  EXPECT_GT(met.at(25, 30)[0], met.at(30, 30)[0]);
  EXPECT_EQ(met.at(54, 30)[1], 160);
}

TEST(Seam, WithNothingKeptOrNothingPaintedNothingChanges) {
  const Picture original = waves(20, 10), painted(20, 10);
  for (const std::uint8_t value : {0, 255}) {
    Picture met = painted;
    meet_at_border(met, original, Mask(20, 10, value));
    EXPECT_TRUE(met.rgb == painted.rgb);
  }
}

}  // namespace
}  // namespace safelight::test
