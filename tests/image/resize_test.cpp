#include "image/resize.h"

#include <gmock/gmock.h>

#include <cmath>

#include "image/pictures.h"
#include "image/resize_latents.h"
#include "image/resize_mode.h"
#include "support/expect_error.h"

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

const test::Goldens& goldens() {
  static const test::Goldens goldens("operations.safetensors");
  return goldens;
}

// Pillow rounds to whole numbers between rows and columns.
TEST(Resize, IsPillowsLanczos) {
  const Picture picture = goldens().picture("picture");
  for (const auto& [width, height] : {std::pair{90, 60}, std::pair{20, 11}, std::pair{45, 13}}) {
    const Picture expected = goldens().picture("lanczos_" + std::to_string(width) + "x" + std::to_string(height));
    EXPECT_LE(test::largest_difference(resize(picture, width, height).rgb, expected.rgb), 1) << width;
  }
}

TEST(Resize, AMaskIsOneChannelOfAPicture) {
  const Picture picture = test::waves(31, 17);
  Mask mask(31, 17);
  for (std::size_t i = 0; i < mask.values.size(); ++i) mask.values[i] = picture.rgb[i * 3 + 1];
  const Picture large = resize(picture, 50, 9);
  const Mask large_mask = resize(mask, 50, 9);
  for (std::size_t i = 0; i < large_mask.values.size(); ++i) ASSERT_EQ(large_mask.values[i], large.rgb[i * 3 + 1]);
  EXPECT_EQ(resize(mask, 31, 17).values, mask.values);
}

// Three columns of one colour each, 30 x 20, so that it shows what was cut off or added.
Picture columns() {
  Picture picture(30, 20);
  for (std::int64_t y = 0; y < 20; ++y)
    for (std::int64_t x = 0; x < 30; ++x)
      for (int c = 0; c < 3; ++c) picture.at(x, y)[c] = static_cast<std::uint8_t>(50 + 50 * (x / 10));
  return picture;
}

TEST(ResizeModes, CropCoversAndCutsEvenly) {
  const Picture square = resize_to(columns(), 40, 40, ResizeMode::crop);  // 60 x 40, less 10 on both sides
  EXPECT_EQ(square.width, 40);
  EXPECT_EQ(square.height, 40);
  EXPECT_EQ(square.at(2, 20)[0], 50);
  EXPECT_EQ(square.at(20, 20)[0], 100);
  EXPECT_EQ(square.at(38, 20)[0], 150);
  EXPECT_EQ(resize_to(columns(), 10, 20, ResizeMode::crop).rgb, std::vector<std::uint8_t>(600, 100));
  const Picture wide = resize_to(columns(), 30, 5, ResizeMode::crop);
  EXPECT_EQ(wide.at(2, 0)[0], 50);
  EXPECT_EQ(wide.at(27, 4)[0], 150);
}

TEST(ResizeModes, FillFitsAndRepeatsTheBorder) {
  Picture picture = columns();
  std::fill(picture.at(0, 0), picture.at(0, 0) + 90, 7);              // the first row
  std::fill(picture.at(0, 19), picture.at(0, 19) + 90, 9);            // the last
  const Picture tall = resize_to(picture, 30, 61, ResizeMode::fill);  // 30 x 20 from row 20 on
  for (const std::int64_t x : {0, 15, 29}) {
    for (std::int64_t y = 0; y <= 20; ++y) ASSERT_EQ(tall.at(x, y)[1], 7) << y;
    for (std::int64_t y = 39; y < 61; ++y) ASSERT_EQ(tall.at(x, y)[1], 9) << y;
    EXPECT_EQ(tall.at(x, 30)[1], 50 + 50 * (x / 10));
  }
  const Picture wide = resize_to(columns(), 50, 20, ResizeMode::fill);
  EXPECT_EQ(wide.at(0, 10)[0], 50);
  EXPECT_EQ(wide.at(25, 10)[0], 100);
  EXPECT_EQ(wide.at(49, 10)[0], 150);
}

TEST(ResizeModes, StretchIsResize) {
  EXPECT_EQ(resize_to(columns(), 20, 33, ResizeMode::stretch).rgb, resize(columns(), 20, 33).rgb);
}

TEST(ResizeModes, TheSameProportionsAreTheSameInEveryMode) {
  for (const ResizeModeInfo& row : resize_modes()) {
    EXPECT_EQ(resize_to(columns(), 60, 40, row.mode).rgb, resize(columns(), 60, 40).rgb) << row.names.name;
    EXPECT_EQ(resize_to(Mask(30, 20, 200), 7, 90, row.mode).values, std::vector<std::uint8_t>(630, 200));
    EXPECT_EQ(resize_to(columns(), 1, 500, row.mode).height, 500);
    EXPECT_EQ(resize_to(columns(), 500, 1, row.mode).width, 500);
  }
}

TEST(ResizeModes, ByName) {
  for (const ResizeModeInfo& row : resize_modes()) {
    EXPECT_EQ(parse_resize_mode(row.names.name), row.mode);
    EXPECT_EQ(&info(row.mode), &row);
  }
  EXPECT_EQ(parse_resize_mode("Crop and resize"), ResizeMode::crop);
  EXPECT_ERROR(parse_resize_mode("shrink"), usage, "stretch, crop, fill");
}

TEST(ResizeLatents, IsTorchsInterpolate) {
  // NCHW, as everywhere but here.
  const auto turned = [](const Tensor& t) {
    const Tensor values = to_f32(t);
    const std::int64_t n = t.dim(0), channels = t.dim(1), h = t.dim(2), w = t.dim(3);
    Tensor result = Tensor::allocate(DType::F32, {n, h, w, channels});
    for (std::int64_t i = 0; i < n * channels * h * w; ++i) {
      const std::int64_t x = i % w, y = i / w % h, c = i / (w * h) % channels, b = i / (w * h * channels);
      result.mutable_floats()[static_cast<std::size_t>(((b * h + y) * w + x) * channels + c)] =
          values.floats()[static_cast<std::size_t>(i)];
    }
    return result;
  };
  constexpr std::array<std::pair<LatentResize, const char*>, 6> kModes{{
      {LatentResize::bilinear, "bilinear"},
      {LatentResize::bilinear_antialiased, "bilinear_antialiased"},
      {LatentResize::bicubic, "bicubic"},
      {LatentResize::bicubic_antialiased, "bicubic_antialiased"},
      {LatentResize::nearest, "nearest"},
      {LatentResize::nearest_exact, "nearest-exact"},
  }};
  const Tensor latents = turned(goldens().tensor("latents"));
  for (const auto& [mode, torch_name] : kModes)
    for (const auto& [height, width] : {std::pair{14, 18}, std::pair{10, 13}, std::pair{3, 5}}) {
      const std::string name = torch_name + ("_" + std::to_string(height)) + "x" + std::to_string(width);
      const Tensor expected = turned(goldens().tensor(name));
      const Tensor result = resize_latents(latents, height, width, mode);
      ASSERT_EQ(result.shape(), expected.shape()) << name;
      for (std::size_t i = 0; i < expected.floats().size(); ++i)
        ASSERT_NEAR(result.floats()[i], expected.floats()[i], 2e-6) << name << " " << i;
    }
}

TEST(ResizeLatents, ByTheWebUisNames) {
  for (const LatentResizeInfo& row : latent_resizes()) {
    EXPECT_EQ(&info(row.mode), &row);
    EXPECT_EQ(find_by_name(latent_resizes(), row.names.label), &row);
  }
  EXPECT_EQ(find_by_name(latent_resizes(), "Latent (nearest-exact)")->mode, LatentResize::nearest_exact);
}

}  // namespace
}  // namespace safelight
