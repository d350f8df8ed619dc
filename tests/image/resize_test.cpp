#include "image/resize.h"

#include <gmock/gmock.h>

#include <cmath>

namespace safelight {
namespace {

TEST(Resize, KeepsFlatColourExactly) {
  Picture flat(13, 7);
  for (std::size_t i = 0; i < flat.rgb.size(); ++i) flat.rgb[i] = static_cast<std::uint8_t>(40 + 80 * (i % 3));
  for (const auto& [width, height] : {std::pair{26, 14}, std::pair{5, 3}, std::pair{1, 1}, std::pair{100, 2}}) {
    const Picture result = resize(flat, width, height);
    ASSERT_EQ(result.width, width);
    ASSERT_EQ(result.height, height);
    for (std::size_t i = 0; i < result.rgb.size(); ++i) ASSERT_EQ(result.rgb[i], 40 + 80 * (i % 3)) << width;
  }
}

TEST(Resize, TheSameSizeIsTheSamePicture) {
  Picture picture(3, 2);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 13);
  EXPECT_EQ(resize(picture, 3, 2).rgb, picture.rgb);
}

// A smooth wave keeps its shape: enlarged values lie on it, and reduced again they are back.
TEST(Resize, FollowsASmoothWaveUpAndDown) {
  const auto wave = [](double x) { return 128 + 90 * std::sin(x * 0.2); };
  Picture picture(64, 3);
  for (std::int64_t y = 0; y < 3; ++y)
    for (std::int64_t x = 0; x < 64; ++x)
      for (int c = 0; c < 3; ++c)
        picture.at(x, y)[c] = static_cast<std::uint8_t>(std::lround(wave(static_cast<double>(x))));
  const Picture large = resize(picture, 128, 3);
  for (std::int64_t x = 8; x < 120; ++x)
    EXPECT_NEAR(large.at(x, 1)[0], wave((static_cast<double>(x) + 0.5) / 2 - 0.5), 2.0) << x;
  const Picture back = resize(large, 64, 3);
  for (std::int64_t x = 4; x < 60; ++x) EXPECT_NEAR(back.at(x, 1)[0], picture.at(x, 1)[0], 2.0) << x;
}

// Stripes finer than the result can show become grey, not coarser stripes.
TEST(Resize, ReducingDoesNotAlias) {
  Picture stripes(120, 8);
  for (std::int64_t y = 0; y < 8; ++y)
    for (std::int64_t x = 0; x < 120; ++x)
      for (int c = 0; c < 3; ++c) stripes.at(x, y)[c] = x % 2 ? 255 : 0;
  const Picture small = resize(stripes, 30, 2);
  for (std::int64_t x = 1; x < 29; ++x) EXPECT_NEAR(small.at(x, 0)[0], 128, 8) << x;
}

}  // namespace
}  // namespace safelight
