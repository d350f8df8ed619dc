#include <algorithm>
#include <cstring>
#include <tuple>

#include "backends/cpu/winograd.h"
#include "conformance.h"

namespace safelight {
namespace {

// Of the tiles that a convolution to these sizes gets; 0: it is direct.
int tile_side(const Conv2dSpec& spec, std::int64_t images, std::int64_t height, std::int64_t width) {
  cpu::ProductCall call;
  call.source.out_height = height, call.source.out_width = width;
  call.rows = images * height * width;
  call.channels = spec.out;
  return cpu::winograd_tile_side(spec, call);
}
int tile_side(const Conv2dSpec& spec, std::int64_t images, std::int64_t side) {
  return tile_side(spec, images, side, side);
}

class Conv2dConformance : public Conformance {
 protected:
  void check(Conv2dSpec spec, Shape x_shape, bool with_tail = false) {
    spec.precision = GetParam().precision;
    const std::int64_t terms = spec.in * spec.kernel * spec.kernel;
    const Weight w = scaled_weight({spec.out, spec.in, spec.kernel, spec.kernel}, 1, terms);
    const Tensor b = weight({spec.out}, 2);
    const Tensor x = input(x_shape, 3);
    const auto expected = reference().conv2d(spec, w, b), actual = cpu().conv2d(spec, w, b);
    Epilogue tail;
    const Tensor plain = (*expected)(x);
    const Tensor per_image = random_tensor({x_shape[0], spec.out}, 4), residual = random_tensor(plain.shape(), 5);
    if (with_tail) tail = {.activation = Activation::silu, .per_image = &per_image, .residual = &residual};
    expect_close((*actual)(x, tail), with_tail ? (*expected)(x, tail) : plain, 2 * sum_tolerance(terms));
  }
};

TEST_P(Conv2dConformance, ThreeByThree) {
  for (const auto& [in, out] : {std::pair{1, 1}, {3, 5}, {4, 64}, {8, 3}, {9, 33}, {16, 16}, {35, 70}, {64, 96}})
    check({.in = in, .out = out}, {2, 5, 7, in});
}

TEST_P(Conv2dConformance, DeepProductsAreSplit) { check({.in = 300, .out = 67}, {1, 9, 5, 300}); }

TEST_P(Conv2dConformance, ManyRows) { check({.in = 5, .out = 17}, {1, 41, 37, 5}); }

TEST_P(Conv2dConformance, Epilogues) {
  check({.in = 12, .out = 20}, {3, 4, 6, 12}, true);
  check({.in = 170, .out = 65}, {2, 5, 3, 170}, true);
}

TEST_P(Conv2dConformance, OneByOne) {
  check({.in = 24, .out = 40, .kernel = 1, .padding = {0, 0, 0, 0}}, {2, 3, 5, 24});
  check({.in = 3, .out = 5, .kernel = 1, .stride = 2, .padding = {0, 0, 0, 0}}, {1, 7, 4, 3});
  check({.in = 70, .out = 40, .kernel = 1, .padding = {0, 0, 1, 1}}, {2, 5, 7, 70});  // its rows are not the picture's
}

TEST_P(Conv2dConformance, Strided) {
  check({.in = 20, .out = 18, .stride = 2}, {2, 8, 7, 20});
  check({.in = 6, .out = 18, .stride = 2, .padding = {0, 0, 1, 1}}, {1, 8, 6, 6});  // as the VAE encoder pads
}

TEST_P(Conv2dConformance, OtherKernelsAndPaddings) {
  check({.in = 3, .out = 7, .kernel = 5, .padding = {2, 1, 0, 3}}, {1, 6, 5, 3});
  check({.in = 3, .out = 7, .kernel = 2, .stride = 2, .padding = {0, 0, 0, 0}}, {2, 6, 4, 3});
  check({.in = 2, .out = 3, .padding = {0, 0, 0, 0}}, {1, 3, 3, 2});
}

TEST_P(Conv2dConformance, Upsampled) {
  check({.in = 9, .out = 12, .upsample = true}, {2, 3, 4, 9});
  check({.in = 17, .out = 33, .upsample = true}, {1, 5, 1, 17}, true);
}

// From here on pictures with enough tiles for Winograd's filtering, which rounds a little more.
TEST_P(Conv2dConformance, Tiled) {
  check({.in = 32, .out = 32}, {2, 13, 14, 32});
  check({.in = 35, .out = 70}, {2, 16, 12, 35}, true);
  check({.in = 140, .out = 33, .upsample = true}, {1, 11, 10, 140});
  check({.in = 33, .out = 40, .padding = {0, 2, 1, 0}}, {3, 19, 17, 33}, true);
}

// To so few channels that it is a product with every tap as a column.
TEST_P(Conv2dConformance, Thin) {
  for (const std::int64_t out : {1, 3, 4, 5}) check({.in = 40, .out = out}, {2, 9, 7, 40});
  check({.in = 33, .out = 4}, {1, 6, 5, 33}, true);  // but not with an epilogue
  check({.in = 17, .out = 3, .padding = {0, 2, 1, 0}}, {2, 5, 6, 17});
  check({.in = 16, .out = 3, .padding = {0, 0, 0, 0}}, {1, 3, 3, 16});
}

// Too few tiles of 4x4 pixels, or they would reach too far beyond the picture, but enough of 2x2.
TEST_P(Conv2dConformance, FewTiles) {
  for (const auto& [height, width] : {std::pair{4, 4}, {4, 6}, {4, 5}, {9, 5}})
    EXPECT_EQ(tile_side({.in = 150, .out = 130}, 2, height, width), 2);
  check({.in = 32, .out = 32}, {2, 4, 4, 32});
  check({.in = 35, .out = 70}, {1, 9, 5, 35}, true);
  check({.in = 140, .out = 33, .upsample = true}, {2, 2, 3, 140});
  check({.in = 33, .out = 40, .padding = {0, 2, 1, 0}}, {3, 5, 5, 33}, true);
  check({.in = 150, .out = 130}, {2, 4, 6, 150}, true);
}

// Blocks of lines that belong to two images, blocks of columns, passes of in-channels.
TEST_P(Conv2dConformance, SeveralTasks) {
  check({.in = 40, .out = 36, .stride = 2}, {2, 41, 150, 40});
  check({.in = 33, .out = 70, .stride = 2, .padding = {0, 0, 1, 1}}, {3, 24, 36, 33}, true);
  check({.in = 32, .out = 72}, {5, 12, 14, 32}, true);
  check({.in = 32, .out = 40}, {1, 9, 75, 32});
  check({.in = 170, .out = 50, .upsample = true}, {3, 6, 8, 170}, true);
  check({.in = 24, .out = 24, .stride = 2}, {2, 9, 11, 24});
  check({.in = 24, .out = 24}, {1, 2, 16, 24});
  check({.in = 170, .out = 330}, {1, 3, 4, 170});
  // The last block of columns is cut otherwise than the first.
  check({.in = 24, .out = 24}, {1, 3, 95, 24});
  check({.in = 161, .out = 320}, {1, 3, 95, 161});
}

TEST_P(Conv2dConformance, NoImages) {
  for (const int stride : {1, 2}) {
    const auto conv =
        cpu().conv2d({.in = 64, .out = 48, .stride = stride}, scaled_weight({48, 64, 3, 3}, 1, 9 * 64), Tensor());
    EXPECT_EQ((*conv)(Tensor::allocate(DType::F32, {0, 16, 16, 64})).elements(), 0);
  }
}

TEST_P(Conv2dConformance, AnImageHasTheSameBitsInAnyBatch) {
  for (const int stride : {1, 2}) {
    const auto conv = cpu().conv2d({.in = 170, .out = 48, .stride = stride, .precision = GetParam().precision},
                                   scaled_weight({48, 170, 3, 3}, 1, 9 * 170), Tensor());
    const Tensor four = random_tensor({4, 15, 16, 170}, 2);
    Tensor one = Tensor::allocate(DType::F32, {1, 15, 16, 170});
    std::copy_n(four.floats().data(), one.elements(), one.mutable_floats().data());
    const Tensor of_four = (*conv)(four), of_one = (*conv)(one);
    EXPECT_EQ(std::memcmp(of_four.data(), of_one.data(), of_one.bytes()), 0) << "stride " << stride;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Conv2dConformance, testing::ValuesIn(and_in_bf16(all_variants_and_scaled)), variant_name);

class Bf16Conv2dConformance : public Conv2dConformance {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16Conv2dConformance);  // where nothing multiplies bf16

// Without tiles three times three taps are multiplied in full: Winograd's filtering saves more than rounding would.
TEST_P(Bf16Conv2dConformance, RoundsBothSides) {
  for (const auto& [kernel, stride] : {std::pair{1, 1}, {3, 1}, {3, 2}}) {
    Conv2dSpec spec{.in = 70, .out = 72, .kernel = kernel, .stride = stride, .precision = Precision::bf16};
    const Weight w =
        stored_weight(random_tensor({72, 70, kernel, kernel}, 1, 0, 0.04f), GetParam().weights, GetParam().unaligned);
    const Tensor x = random_tensor({2, 20, 21, 70}, 2), actual = (*cpu().conv2d(spec, w, {}))(x);
    spec.precision = Precision::full;
    const bool rounds = kernel == 1 || GetParam().instruction_set == "amx";
    const Weight multiplied = rounds ? Weight{rounded_to_bf16(to_f32(w.values)), w.scales} : w;
    expect_close(actual, (*reference().conv2d(spec, multiplied, {}))(rounds ? rounded_to_bf16(x) : x),
                 2 * sum_tolerance(kernel * kernel * 70));
  }
}

INSTANTIATE_TEST_SUITE_P(All, Bf16Conv2dConformance, testing::ValuesIn(all_variants_and_scaled(Precision::bf16)),
                         variant_name);

class LargeConv2dConformance : public Conv2dConformance {};

TEST_P(LargeConv2dConformance, WeightsTransformedOnce) { check({.in = 36, .out = 75}, {1, 66, 70, 36}, true); }

TEST_P(LargeConv2dConformance, SeveralGroupsOfTiles) { check({.in = 290, .out = 33}, {1, 74, 77, 290}); }

// Two images are too few for weights that are transformed once for all, four are not: in-channels are cut otherwise
// then.
TEST_P(LargeConv2dConformance, AnImageHasTheSameBitsInAnyBatch) {
  const auto conv = cpu().conv2d({.in = 96, .out = 32, .precision = GetParam().precision},
                                 weight({32, 96, 3, 3}, 1, 9 * 96), Tensor());
  const Tensor four = random_tensor({4, 32, 32, 96}, 2);
  Tensor two = Tensor::allocate(DType::F32, {2, 32, 32, 96});
  std::copy_n(four.floats().data(), two.elements(), two.mutable_floats().data());
  const Tensor of_four = (*conv)(four), of_two = (*conv)(two);
  EXPECT_EQ(std::memcmp(of_four.data(), of_two.data(), of_two.floats().size_bytes()), 0);
}

// Normalised as it is read or before: the same bits. Padding is zero after the norm, not before it.
TEST_P(LargeConv2dConformance, Normed) {
  for (const auto& [x_shape, stride, padding] : {std::tuple{Shape{2, 9, 8, 48}, 1, Padding{}},
                                                 {Shape{1, 130, 129, 64}, 1, Padding{}},
                                                 {Shape{1, 130, 129, 64}, 2, Padding{0, 0, 1, 1}},
                                                 {Shape{2, 100, 75, 72}, 1, Padding{}},
                                                 {Shape{3, 60, 83, 72}, 1, Padding{0, 2, 3, 0}},
                                                 {Shape{2, 186, 102, 32}, 1, Padding{0, 0, 0, 0}},
                                                 {Shape{4, 102, 102, 32}, 1, Padding{0, 1, 1, 1}}}) {
    const std::int64_t channels = x_shape.back(), out = 40;
    const Conv2dSpec spec{
        .in = channels, .out = out, .stride = stride, .padding = padding, .precision = GetParam().precision};
    const Tensor values = weight({out, channels, 3, 3}, 1, 9 * channels), x = random_tensor(x_shape, 3, 2, 3);
    // Of one part those multiply taps in full precision, too.
    for (const Tensor& stored_values : {values, stored(to_f32(values), DType::BF16, false)}) {
      const auto conv = cpu().conv2d(spec, {stored_values}, weight({out}, 2));
      const Tensor scale = random_tensor({channels}, 4, 1), shift = random_tensor({channels}, 5, 1);
      for (const Activation activation : {Activation::none, Activation::silu}) {
        const auto norm = cpu().group_norm({.channels = channels, .groups = 8, .activation = activation}, scale, shift);
        expect_same_bits((*conv)(Normed{*norm, x}), (*conv)((*norm)(x)));
      }
    }
  }
}

// As if an image of its own: what is large goes past the caches.
TEST_P(LargeConv2dConformance, LargeResults) {
  constexpr std::int64_t kSide = 184, kOut = 80;
  static_assert(kSide * kSide * kOut < cpu::kFarFloats && 2 * kSide * kSide * kOut >= cpu::kFarFloats);
  for (const auto& [kernel, pad] : {std::pair{3, 1}, {1, 0}}) {
    const Conv2dSpec spec{
        .in = 32, .out = kOut, .kernel = kernel, .padding = {pad, pad, pad, pad}, .precision = GetParam().precision};
    const auto conv = cpu().conv2d(spec, {weight({kOut, 32, kernel, kernel}, 1, kernel * kernel * 32)}, {});
    const Tensor two = random_tensor({2, kSide, kSide, 32}, 2);
    Tensor one = Tensor::allocate(DType::F32, {1, kSide, kSide, 32});
    std::copy_n(two.floats().data() + one.elements(), one.elements(), one.mutable_floats().data());
    const Tensor of_two = (*conv)(two), of_one = (*conv)(one);
    EXPECT_EQ(std::memcmp(of_two.data() + of_one.bytes(), of_one.data(), of_one.bytes()), 0) << "kernel " << kernel;
  }
}

INSTANTIATE_TEST_SUITE_P(All, LargeConv2dConformance, testing::ValuesIn(and_in_bf16(instruction_sets)), variant_name);

TEST(WinogradPlan, TilesAreAsLargeAsThereAreEnoughOf) {
  const Conv2dSpec wide{.in = 1280, .out = 1280};
  EXPECT_EQ(tile_side(wide, 2, 16), 4);
  EXPECT_EQ(tile_side(wide, 1, 32), 4);
  EXPECT_EQ(tile_side(wide, 2, 14), 4);
  EXPECT_EQ(tile_side(wide, 2, 8), 4);
  EXPECT_EQ(tile_side(wide, 2, 7), 4);
  EXPECT_EQ(tile_side(wide, 2, 5), 2) << "tiles of 4x4 would reach too far beyond it";
  EXPECT_EQ(tile_side(wide, 2, 4), 2);
  EXPECT_EQ(tile_side(wide, 2, 3), 0);
}

TEST(WinogradPlan, OtherConvolutionsAreDirect) {
  EXPECT_EQ(tile_side({.in = 1280, .out = 1280, .stride = 2}, 2, 64), 0);
  EXPECT_EQ(tile_side({.in = 1280, .out = 1280, .kernel = 1}, 2, 64), 0);
  EXPECT_EQ(tile_side({.in = 320, .out = 4}, 2, 64), 0);
  EXPECT_EQ(tile_side({.in = 4, .out = 320}, 2, 64), 0);
}

}  // namespace
}  // namespace safelight
