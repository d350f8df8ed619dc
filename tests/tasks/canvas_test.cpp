// What the picture tasks do to latents and pixels: letting go, fading, meeting.
#include "tasks/canvas.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "image/region.h"
#include "tasks/blend.h"

namespace safelight {
namespace {

TEST(LetGo, ASoftMaskIsFreeTheLaterTheWeakerItIs) {
  const Tensor held = Tensor::from(std::vector<float>(4, 0.0f), {1, 2, 2, 1}),
               free = Tensor::from(std::vector<float>(8, 1.0f), {2, 2, 2, 1}),
               mask = Tensor::from(std::vector<float>{0, 0.25f, 0.5f, 1}, {1, 2, 2, 1});
  const auto freed = [&](double left) {
    const Tensor result = let_go(held, free, mask, left);
    EXPECT_EQ(result.dim(0), 2);
    return std::vector<float>(result.floats().begin() + 4, result.floats().end());
  };
  EXPECT_THAT(freed(0.75), ::testing::ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(freed(0.25), ::testing::ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(freed(0), ::testing::ElementsAre(0, 1, 1, 1));
}

TEST(FadedInwards, StaysInsideAndKeepsWhatIsThin) {
  Mask mask(64, 40);
  for (std::int64_t x = 10; x < 50; ++x)
    for (std::int64_t y = 5; y < 35; ++y) mask.at(x, y) = 255;
  const Mask soft = faded_inwards(mask, 4);
  for (std::size_t i = 0; i < mask.values.size(); ++i) EXPECT_LE(soft.values[i], mask.values[i]);
  EXPECT_LT(soft.at(10, 20), 40);
  EXPECT_GT(soft.at(14, 20), soft.at(11, 20));
  EXPECT_EQ(soft.at(30, 20), 255);
  Mask line(64, 40);
  for (std::int64_t y = 0; y < 40; ++y) line.at(30, y) = 255;
  EXPECT_EQ(faded_inwards(line, 4).at(30, 20), 255);
  EXPECT_EQ(faded_inwards(mask, 0).values, mask.values);
}

// What is painted around a plain picture is darker by 40: without the tones made to meet, the step at the seam is 40.
TEST(MeetSeam, LeavesNoStepAtTheSeam) {
  Picture original(40, 40);
  std::ranges::fill(original.rgb, std::uint8_t{200});
  Picture painted(96, 80);
  std::ranges::fill(painted.rgb, std::uint8_t{160});
  const Region known{24, 16, 40, 40};
  meet_seam(painted, original, known, 16);
  paste(painted, original, known, Mask(96, 80, 255));
  int steepest_across = 0, steepest_elsewhere = 0;
  for (std::int64_t y = 0; y < 80; ++y)
    for (std::int64_t x = 1; x < 96; ++x) {
      const int step = std::abs(painted.at(x, y)[0] - painted.at(x - 1, y)[0]);
      const bool is_seam = (x == known.x || x == known.x + known.width) && y >= known.y && y < known.y + known.height;
      int& steepest = is_seam ? steepest_across : steepest_elsewhere;
      steepest = std::max(steepest, step);
    }
  EXPECT_LE(steepest_across, 1);
  EXPECT_LE(steepest_across, steepest_elsewhere);
  EXPECT_EQ(painted.at(2, 40)[0], 160) << "beyond the reach nothing changes";
}

TEST(Masks, AreMeansOrTheFirstOfTheirPixels) {
  Mask mask(16, 8);
  for (std::int64_t y = 0; y < 8; ++y)
    for (std::int64_t x = 4; x < 8; ++x) mask.at(x, y) = 255;
  mask.at(8, 0) = 128;
  const Tensor mean = mean_mask(mask, 8), hard = hard_mask(mask, 8);
  EXPECT_EQ(mean.shape(), (Shape{1, 1, 2, 1}));
  EXPECT_FLOAT_EQ(mean.floats()[0], 0.5f);
  EXPECT_FLOAT_EQ(mean.floats()[1], 128.0f / (255 * 64));
  EXPECT_EQ(hard.floats()[0], 0);
  EXPECT_EQ(hard.floats()[1], 1);
  Picture white(16, 8);
  std::ranges::fill(white.rgb, std::uint8_t{255});
  const Tensor seen = without_masked(white, mask);
  EXPECT_EQ(seen.floats()[0], 1) << "kept";
  EXPECT_EQ(seen.floats()[3 * 4], 0) << "grey";
}

TEST(Canvas, RepeatsItsEdges) {
  Picture picture(3, 2);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i);
  const Picture larger = padded(picture, 4);
  EXPECT_EQ(larger.width, 4);
  EXPECT_EQ(larger.height, 4);
  EXPECT_EQ(larger.at(3, 0)[0], picture.at(2, 0)[0]);
  EXPECT_EQ(larger.at(1, 3)[2], picture.at(1, 1)[2]);
}

}  // namespace
}  // namespace safelight
