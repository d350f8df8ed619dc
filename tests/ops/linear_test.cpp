#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "backends/cpu/kernels/kernels.h"
#include "conformance.h"
#include "safelight/error.h"

namespace safelight {
namespace {

class LinearConformance : public Conformance {
 protected:
  void check(Shape x_shape, std::int64_t out, Activation activation = Activation::none, bool with_bias = true,
             bool with_tail = false) {
    const std::int64_t in = x_shape.back();
    const LinearSpec spec{.in = in, .out = out, .precision = precision()};
    const Weight w = scaled_weight({out, in}, 1, in);
    const Tensor b = with_bias ? weight({out}, 2) : Tensor(), x = input(x_shape, 3);
    Shape y_shape = x_shape;
    y_shape.back() = out;
    const Tensor per_image = random_tensor({x_shape[0], out}, 4), residual = random_tensor(y_shape, 5);
    Epilogue tail{.activation = activation};
    if (with_tail) tail.per_image = &per_image, tail.residual = &residual;
    expect_close((*cpu().linear(spec, w, b))(x, tail), (*reference().linear(spec, w, b))(x, tail), tolerance(in));
  }

  void check_gated(std::int64_t in, std::int64_t half, bool with_bias, std::int64_t rows = 13) {
    const LinearSpec spec{.in = in, .out = 2 * half, .geglu = true, .precision = precision()};
    const Weight w = scaled_weight({2 * half, in}, 1, in);
    const Tensor b = with_bias ? weight({2 * half}, 2) : Tensor();
    const Tensor x = input({2, rows, in}, 3);
    expect_close((*cpu().linear(spec, w, b))(x), (*reference().linear(spec, w, b))(x), 4 * tolerance(in));
  }

  // The channels of two tensors have the bits of their copy in one, and what the reference makes of them.
  void check_joined(Shape a_shape, std::int64_t b_channels, std::int64_t out, bool geglu = false) {
    Shape b_shape = a_shape;
    b_shape.back() = b_channels;
    const std::int64_t in = a_shape.back() + b_channels;
    const LinearSpec spec{.in = in, .out = out, .geglu = geglu, .precision = precision()};
    const Weight w = scaled_weight({out, in}, 1, in);
    const Tensor bias = weight({out}, 2), a = input(a_shape, 3), b = input(b_shape, 4);
    const auto op = cpu().linear(spec, w, bias);
    const Tensor y = (*op)({a, b});
    expect_same_bits(y, (*op)(cpu().concat(a, b)));
    expect_close(y, (*reference().linear(spec, w, bias))({a, b}), 4 * tolerance(in));
  }

  virtual float tolerance(std::int64_t terms) const { return sum_tolerance(terms); }

  virtual Precision precision() const { return GetParam().precision; }
};

TEST_P(LinearConformance, OddSizes) {
  for (const std::int64_t rows : {1, 2, 5, 6, 7, 13, 77})
    for (const auto& [in, out] : {std::pair{1, 1}, {3, 5}, {16, 16}, {17, 33}, {64, 96}, {40, 129}, {131, 70}})
      for (const Shape& x : {Shape{rows, in}, Shape{1, rows, in}}) check(x, out);  // rows of images, and of one image
}

TEST_P(LinearConformance, DeepProductsAreSplit) {
  check({7, 1281}, 33);
  check({1, 70, 1300}, 66);
  check({2, 19, 2571}, 70);
}

TEST_P(LinearConformance, ChannelsOfTwoTensors) {
  for (const auto& [a, b] : {std::pair{1, 1}, {3, 5}, {16, 48}, {65, 2}, {70, 61}}) check_joined({2, 13, a}, b, 67);
  check_joined({2, 601, 20}, 12, 65);  // several tasks
  for (const auto& [a, b] : {std::pair{1290, 7}, {7, 1290}, {640, 660}, {1500, 1600}})
    for (const Shape& x : {Shape{7, a}, Shape{1, 13, a}}) check_joined(x, b, 33);
  check_joined({2, 13, 12}, 9, 62, true);
  check_joined({2, 0}, 9, 5);
  check_joined({1, 13, 0}, 9, 5);
}

TEST_P(LinearConformance, ManyRows) {
  check({1301, 48}, 65);
  check({1, 1301, 48}, 65);
  check({1, 2100, 1400}, 3);  // in several blocks of rows, and passes of in-channels
  check({1, 97, 1281}, 400);
}

TEST_P(LinearConformance, FewRowsWhoseChannelsAreShared) {
  for (const std::int64_t out : {256, 320, 330}) check({2, 77, 768}, out);
  for (const std::int64_t half : {128, 165}) check_gated(768, half, true);
}

TEST_P(LinearConformance, FewRowsOfManyImages) {
  check({5, 77, 96}, 70);
  check({2, 77, 1300}, 66);
  check({3, 61, 1400}, 40, Activation::gelu, true, true);
  check_joined({6, 50, 40}, 30, 45);
}

TEST_P(LinearConformance, Epilogues) {
  for (const Activation a : {Activation::none, Activation::silu, Activation::gelu, Activation::quick_gelu}) {
    check({2, 9, 35}, 37, a, true, true);
    check({2, 35, 45}, 37, a, true, true);
    check({3, 4, 3, 20}, 16, a, false, true);
    check({4, 64}, 64, a, false, false);
  }
}

TEST_P(LinearConformance, GatedGelu) {
  for (const auto& [in, half] : {std::pair{5, 1}, {16, 8}, {33, 31}, {40, 160}, {1300, 35}, {2600, 35}})
    for (const bool with_bias : {false, true}) check_gated(in, half, with_bias);
  check_gated(40, 200, true, 97);
}

TEST_P(LinearConformance, ConvolutionShapedWeight) {
  const LinearSpec spec{.in = 24, .out = 20, .precision = precision()};
  const Weight w = scaled_weight({20, 24, 1, 1}, 1, 24);
  const Tensor x = input({1, 5, 3, 24}, 2);
  expect_close((*cpu().linear(spec, w, {}))(x), (*reference().linear(spec, w, {}))(x), sum_tolerance(24));
}

// Half-precision weights below 2^-14 must not be flushed to zero.
TEST_P(LinearConformance, TinyWeightsKeepTheirValue) {
  const LinearSpec spec{.in = 37, .out = 19, .precision = precision()};
  const Weight w = stored_weight(input({19, 37}, 1, 0, 2e-6f), GetParam().weights, GetParam().unaligned);
  for (const Shape& shape : {Shape{5, 37}, Shape{1, 15, 37}}) {
    const Tensor x = input(shape, 2);
    expect_close((*cpu().linear(spec, w, {}))(x), (*reference().linear(spec, w, {}))(x), 1.2e-5f * sum_tolerance(37));
  }
}

TEST_P(LinearConformance, Saturation) {  // activations far outside the usual range stay finite and right
  const LinearSpec spec{.in = 1, .out = 6};
  const Weight w = stored_weight(Tensor::from(std::array{-200.f, -90.f, -20.f, 20.f, 90.f, 200.f}, {6, 1}),
                                 GetParam().weights, GetParam().unaligned);
  const Tensor x = Tensor::from(std::array{1.0f}, {1, 1});
  for (const Activation a : {Activation::silu, Activation::gelu, Activation::quick_gelu}) {
    const Epilogue tail{.activation = a};
    expect_close((*cpu().linear(spec, w, {}))(x, tail), (*reference().linear(spec, w, {}))(x, tail), 1e-5f);
  }
}

// Few rows of one are a group, of nine several; many rows of one are a task, of nine several.
TEST_P(LinearConformance, AnImageHasTheSameBitsInAnyBatch) {
  const auto linear =
      cpu().linear({.in = 130, .out = 70, .precision = precision()}, scaled_weight({70, 130}, 1, 130), {});
  for (const std::int64_t rows : {20, 130}) {
    const Tensor nine = random_tensor({9, rows, 130}, 2);
    Tensor one = Tensor::allocate(DType::F32, {1, rows, 130});
    std::copy_n(nine.floats().data(), one.elements(), one.mutable_floats().data());
    const Tensor of_nine = (*linear)(nine), of_one = (*linear)(one);
    EXPECT_EQ(std::memcmp(of_nine.data(), of_one.data(), of_one.bytes()), 0) << rows << " rows";
  }
}

// However a processor multiplies: what is lost is what sums of floats lose, 24 bits in a row of additions.
TEST_P(LinearConformance, ErrorIsThatOfFloats) {
  const std::int64_t in = 1280;
  const Weight w = scaled_weight({64, in}, 1, in);
  const Tensor x = input({1, 40, in}, 2);
  const LinearSpec spec{.in = in, .out = 64, .precision = precision()};
  const Tensor actual = (*cpu().linear(spec, w, {}))(x), exact = (*reference().linear(spec, w, {}))(x);
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < exact.floats().size(); ++i) {
    const double e = exact.floats()[i], difference = actual.floats()[i] - e;
    error += difference * difference, norm += e * e;
  }
  EXPECT_LT(std::sqrt(error / norm), 8e-7);
}

INSTANTIATE_TEST_SUITE_P(All, LinearConformance, testing::ValuesIn(and_in_bf16(all_variants_and_scaled)), variant_name);

class LargeLinearConformance : public LinearConformance {};

// As two halves: what is large goes past the caches.
TEST_P(LargeLinearConformance, LargeResults) {
  constexpr std::int64_t kRows = 33000, kIn = 32, kOut = 80;
  static_assert(kRows * kOut < cpu::kFarFloats && 2 * kRows * kOut >= cpu::kFarFloats);
  for (const bool geglu : {false, true})
    for (const Precision multiplies : {precision(), Precision::int8}) {
      const std::int64_t out = geglu ? 2 * kOut : kOut;
      const auto op = cpu().linear({.in = kIn, .out = out, .geglu = geglu, .precision = multiplies},
                                   scaled_weight({out, kIn}, 1, kIn), weight({out}, 2));
      const Tensor two = random_tensor({2, kRows, kIn}, 3);
      Tensor one = Tensor::allocate(DType::F32, {1, kRows, kIn});
      std::copy_n(two.floats().data() + one.elements(), one.elements(), one.mutable_floats().data());
      const Tensor of_two = (*op)(two), of_one = (*op)(one);
      EXPECT_EQ(std::memcmp(of_two.data() + of_one.bytes(), of_one.data(), of_one.bytes()), 0)
          << "geglu " << geglu << ", precision " << static_cast<int>(multiplies);
    }
}

INSTANTIATE_TEST_SUITE_P(All, LargeLinearConformance, testing::ValuesIn(and_in_bf16(instruction_sets)), variant_name);

class Bf16LinearConformance : public LinearConformance {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16LinearConformance);  // where nothing multiplies bf16

// Of numbers that are none of bf16: what is multiplied are the nearest, ties to even.
TEST_P(Bf16LinearConformance, RoundsBothSides) {
  for (const std::int64_t rows : {20, 130})
    for (const bool geglu : {false, true}) {
      LinearSpec spec{.in = 197, .out = 72, .geglu = geglu, .precision = Precision::bf16};
      const Weight w = stored_weight(random_tensor({72, 197}, 1, 0, 0.07f), GetParam().weights, GetParam().unaligned);
      Tensor x = random_tensor({2, rows, 197}, 2);
      std::ranges::copy(std::array{1.00390625f, 1.01171875f, -1.00390625f}, x.mutable_floats().begin());
      const Tensor actual = (*cpu().linear(spec, w, {}))(x);
      spec.precision = Precision::full;
      const Weight rounded{rounded_to_bf16(to_f32(w.values)), w.scales};
      expect_close(actual, (*reference().linear(spec, rounded, {}))(rounded_to_bf16(x)), 4 * sum_tolerance(197));
    }
}

INSTANTIATE_TEST_SUITE_P(All, Bf16LinearConformance, testing::ValuesIn(all_variants_and_scaled(Precision::bf16)),
                         variant_name);

// Both backends round to the same whole numbers and add them exactly, so however long the sums are, they differ only in
// what comes after.
class Int8LinearConformance : public LinearConformance {
 protected:
  Precision precision() const override { return Precision::int8; }
  float tolerance(std::int64_t) const override { return 2e-6f; }
};

TEST_P(Int8LinearConformance, OddSizes) {
  for (const std::int64_t rows : {1, 2, 5, 6, 7, 13, 77})
    for (const auto& [in, out] : {std::pair{1, 1}, {3, 5}, {16, 16}, {17, 33}, {64, 96}, {40, 129}, {131, 70}})
      check({rows, in}, out);
}

TEST_P(Int8LinearConformance, DeepProducts) { check({2, 19, 2571}, 70); }

TEST_P(Int8LinearConformance, ChannelsOfTwoTensors) {
  for (const auto& [a, b] : {std::pair{1, 1}, {3, 5}, {16, 48}, {65, 2}, {70, 61}}) check_joined({2, 13, a}, b, 67);
  check_joined({2, 601, 20}, 12, 65);
  check_joined({7, 1500}, 1600, 33);
  check_joined({2, 11, 12}, 9, 62, true);
}

TEST_P(Int8LinearConformance, SeveralTasks) { check({1301, 48}, 65); }

TEST_P(Int8LinearConformance, Epilogues) {
  check({2, 9, 35}, 37, Activation::silu, true, true);
  check({3, 4, 3, 20}, 16, Activation::gelu, false, true);
}

TEST_P(Int8LinearConformance, GatedGelu) {
  for (const auto& [in, half] : {std::pair{5, 1}, {33, 31}, {40, 160}}) check_gated(in, half, true);
}

// The largest sums there can be, of either sign, on both sides of the 16 bits that some instructions saturate at.
TEST_P(Int8LinearConformance, ExtremesDoNotSaturate) {
  const std::int64_t in = 5120;
  const auto constant = [](Shape shape, float value) { return random_tensor(std::move(shape), 0, value, 0); };
  const Weight w = stored_weight(constant({3, in}, 1), GetParam().weights, GetParam().unaligned);
  const auto op = cpu().linear({.in = in, .out = 3, .precision = Precision::int8}, w, {});
  for (const float value : {2.0f, -2.0f}) {
    const Tensor y = (*op)(constant({7, in}, value));
    for (const float sum : y.floats()) EXPECT_NEAR(sum, value * in, 2e-3f);
  }
}

TEST_P(Int8LinearConformance, RowsOfZerosGiveTheBias) {
  const Weight w = scaled_weight({19, 37}, 1, 37);
  const Tensor b = random_tensor({19}, 2);
  const auto op = cpu().linear({.in = 37, .out = 19, .precision = Precision::int8}, w, b);
  const Tensor y = (*op)(random_tensor({1, 37}, 0, 0, 0));
  EXPECT_TRUE(std::ranges::equal(y.floats(), b.floats()));
}

// A row that holds no number, or too large a one, must not come out as a plausible one; its neighbours do not mind.
TEST_P(Int8LinearConformance, WhatIsNoNumberStaysVisible) {
  for (Backend* backend : {&cpu(), &reference()})
    for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      const auto op =
          backend->linear({.in = 70, .out = 5, .precision = Precision::int8}, scaled_weight({5, 70}, 1, 70), {});
      Tensor x = random_tensor({2, 70}, 2);
      x.mutable_floats()[69] = bad;
      const Tensor y = (*op)(x);
      for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(std::isnan(y.floats()[i]), i < 5) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Int8LinearConformance, testing::ValuesIn(all_variants_and_scaled(Precision::int8)),
                         variant_name);

TEST(Int8Linear, SameBitsOnEveryInstructionSet) {
  const Tensor w = stored(random_tensor({130, 200}, 1, 0, 0.1f), DType::F16, false), x = random_tensor({30, 200}, 2);
  const LinearSpec spec{.in = 200, .out = 130, .precision = Precision::int8};
  const Tensor expected = (*cpu_backend(all_variants().front().instruction_set).linear(spec, w, {}))(x);
  for (const Variant& variant : instruction_sets(Precision::int8)) {
    const Tensor actual = (*cpu_backend(variant.instruction_set).linear(spec, w, {}))(x);
    EXPECT_TRUE(std::ranges::equal(actual.floats(), expected.floats())) << variant.instruction_set;
  }
}

}  // namespace
}  // namespace safelight
