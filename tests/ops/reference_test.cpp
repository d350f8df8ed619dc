// The oracle itself, on examples small enough to work out by hand.
#include <gmock/gmock.h>

#include <array>
#include <cmath>

#include "conformance.h"

namespace safelight {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

Tensor counting(Shape shape) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  float next = 1;
  for (float& v : t.mutable_floats()) v = next++;
  return t;
}

TEST(Reference, Conv2dSumsTheNeighbourhood) {
  const Tensor ones = Tensor::from(std::array{1.f, 1.f, 1.f, 1.f, 1.f, 1.f, 1.f, 1.f, 1.f}, {1, 1, 3, 3});
  const Tensor x = counting({1, 2, 3, 1});  // 1 2 3 / 4 5 6
  EXPECT_THAT((*reference_backend().conv2d({.in = 1, .out = 1}, ones, {}))(x).floats(),
              ElementsAre(12, 21, 16, 12, 21, 16));
}

TEST(Reference, Conv2dOrdersTapsByRowAndStrides) {
  const Tensor pick_right = Tensor::from(std::array{0.f, 0.f, 0.f, 0.f, 0.f, 1.f, 0.f, 0.f, 0.f}, {1, 1, 3, 3});
  const Tensor x = counting({1, 2, 4, 1});  // 1 2 3 4 / 5 6 7 8
  EXPECT_THAT((*reference_backend().conv2d({.in = 1, .out = 1, .stride = 2}, pick_right, {}))(x).floats(),
              ElementsAre(2, 4));
}

TEST(Reference, Conv2dDoublesBeforeConvolving) {
  const Tensor same = Tensor::from(std::array{1.f}, {1, 1});
  const Conv2dSpec spec{.in = 1, .out = 1, .kernel = 1, .padding = {0, 0, 0, 0}, .upsample = true};
  EXPECT_THAT((*reference_backend().conv2d(spec, same, {}))(counting({1, 1, 2, 1})).floats(),
              ElementsAre(1, 1, 2, 2, 1, 1, 2, 2));
}

TEST(Reference, LinearAppliesTheTailInOrder) {
  const Tensor w = Tensor::from(std::array{1.f, 2.f, 3.f, 4.f}, {2, 2}), b = Tensor::from(std::array{10.f, 20.f}, {2});
  const Tensor x = Tensor::from(std::array{1.f, -1.f}, {1, 2}),
               per_image = Tensor::from(std::array{-9.f, -19.f}, {1, 2});
  const Tensor residual = Tensor::from(std::array{100.f, 200.f}, {1, 2});
  const float silu_0 = 0, silu_m0 = 0;  // 1*1 - 1*2 + 10 - 9 = 0 in both channels
  EXPECT_THAT((*reference_backend().linear({.in = 2, .out = 2}, w, b))(
                  x, {.activation = Activation::silu, .per_image = &per_image, .residual = &residual})
                  .floats(),
              ElementsAre(100 + silu_0, 200 + silu_m0));
}

TEST(Reference, Activations) {
  const Tensor w = Tensor::from(std::array{1.f, -2.f}, {2, 1}), x = Tensor::from(std::array{1.f}, {1, 1});
  const auto linear = reference_backend().linear({.in = 1, .out = 2}, w, {});
  // x/(1+e^-x), x Phi(x), x/(1+e^-1.702x) at 1 and -2
  EXPECT_THAT((*linear)(x, {.activation = Activation::silu}).floats(),
              Pointwise(FloatNear(1e-6f), {0.7310586f, -0.2384058f}));
  EXPECT_THAT((*linear)(x, {.activation = Activation::gelu}).floats(),
              Pointwise(FloatNear(1e-6f), {0.8413447f, -0.0455003f}));
  EXPECT_THAT((*linear)(x, {.activation = Activation::quick_gelu}).floats(),
              Pointwise(FloatNear(1e-6f), {0.8457958f, -0.0643408f}));
}

TEST(Reference, Int8RoundsEachRowToItsOwnUnit) {
  const Tensor w = Tensor::from(std::array{2.f, 1.f}, {1, 2}),
               x = Tensor::from(std::array{1.f, -0.5f, 0.f, 8.f}, {2, 2});
  // In units of 2/127: 127 and 63.5, to even 64; in units of 1/127: 127 and -64; in units of 8/127: 0 and 127.
  EXPECT_THAT((*reference_backend().linear({.in = 2, .out = 1, .precision = Precision::int8}, w, {}))(x).floats(),
              Pointwise(FloatNear(1e-6f), {(127 * 127 - 64 * 64) * 2 / (127.f * 127), 64 * 127 * 16 / (127.f * 127)}));
}

TEST(Reference, GatedGeluTakesTheSecondHalfAsGate) {
  const Tensor w = Tensor::from(std::array{3.f, 1.f}, {2, 1}), x = Tensor::from(std::array{1.f}, {1, 1});
  EXPECT_THAT((*reference_backend().linear({.in = 1, .out = 2, .geglu = true}, w, {}))(x).floats(),
              Pointwise(FloatNear(1e-6f), {3 * 0.8413447f}));
}

TEST(Reference, GroupNormPerImageAndGroup) {
  const Tensor ones = Tensor::from(std::array{1.f, 1.f, 1.f, 1.f}, {4}), zeros = random_tensor({4}, 0, 0, 0);
  const Tensor x = Tensor::from(std::array{1.f, 3.f, 10.f, 10.f, 5.f, 5.f, 0.f, 4.f}, {2, 1, 4});
  const auto norm = reference_backend().group_norm({.channels = 4, .groups = 2, .epsilon = 0.0001f}, ones, zeros);
  EXPECT_THAT((*norm)(x).floats(), Pointwise(FloatNear(1e-4f), {-1.f, 1.f, 0.f, 0.f, 0.f, 0.f, -1.f, 1.f}));
}

TEST(Reference, LayerNormScalesAndShifts) {
  const Tensor w = Tensor::from(std::array{2.f, 3.f}, {2}), b = Tensor::from(std::array{10.f, 20.f}, {2});
  EXPECT_THAT((*reference_backend().layer_norm({.channels = 2}, w, b))(counting({1, 2})).floats(),
              Pointwise(FloatNear(1e-3f), {8.f, 23.f}));
}

TEST(Reference, AttentionAverages) {
  // Equal scores: the mean of the values that each token sees.
  const Tensor q = random_tensor({1, 3, 2}, 0, 0, 0), v = counting({1, 3, 2});
  EXPECT_THAT(reference_backend().attention(q, q, v, {}).floats(),
              Pointwise(FloatNear(1e-6f), {3.f, 4.f, 3.f, 4.f, 3.f, 4.f}));
  EXPECT_THAT(reference_backend().attention(q, q, v, {.causal = true}).floats(),
              Pointwise(FloatNear(1e-6f), {1.f, 2.f, 2.f, 3.f, 3.f, 4.f}));
}

TEST(Reference, AttentionScalesByTheRootOfTheHeadWidth) {
  const Tensor q = Tensor::from(std::array{2.f, 0.f, 0.f, 0.f}, {1, 1, 4});
  const Tensor k = Tensor::from(std::array{1.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f}, {1, 2, 4});
  const Tensor v = Tensor::from(std::array{1.f, 1.f, 1.f, 1.f, 0.f, 0.f, 0.f, 0.f}, {1, 2, 4});
  const float expected = 1 / (1 + std::exp(-1.0f));  // scores 2 * 1 / sqrt 4 = 1 and 0
  EXPECT_THAT(reference_backend().attention(q, k, v, {}).floats(),
              Pointwise(FloatNear(1e-6f), {expected, expected, expected, expected}));
}

TEST(Reference, Concat) {
  EXPECT_THAT(reference_backend().concat(counting({2, 1}), counting({2, 2})).floats(), ElementsAre(1, 1, 2, 2, 3, 4));
}

TEST(Reference, Embedding) {
  const std::array<std::int32_t, 2> ids{2, 0};
  EXPECT_THAT((*reference_backend().embedding({.rows = 3, .width = 2}, counting({3, 2})))(ids).floats(),
              ElementsAre(5, 6, 1, 2));
}

}  // namespace
}  // namespace safelight
