#include <array>

#include "conformance.h"

namespace safelight {
namespace {

class GroupNormConformance : public Conformance {
 protected:
  void check(const GroupNormSpec& spec, const Tensor& x, float tolerance) {
    const Tensor w = weight({spec.channels}, 1), b = weight({spec.channels}, 2);
    expect_close((*cpu().group_norm(spec, w, b))(x), (*reference().group_norm(spec, w, b))(x), tolerance);
  }
};

TEST_P(GroupNormConformance, OddSizes) {
  for (const auto& [channels, groups] : {std::pair{1, 1}, {6, 3}, {32, 32}, {64, 32}, {96, 32}, {50, 5}, {320, 32}})
    for (const Activation a : {Activation::none, Activation::silu})
      check({.channels = channels, .groups = groups, .activation = a}, random_tensor({2, 5, 7, channels}, 3, 0.5f),
            1e-5f);
}

TEST_P(GroupNormConformance, ManyPixels) { check({.channels = 64}, random_tensor({2, 37, 41, 64}, 3, -1, 2), 1e-5f); }

// A checkpoint may have activations so small that epsilon decides: it must be the true one.
TEST_P(GroupNormConformance, TinyActivations) {
  check({.channels = 64, .epsilon = 1e-6f}, random_tensor({1, 9, 9, 64}, 3, 0, 1e-3f), 1e-5f);
}

// A mean of a thousand deviations: sums of squares would lose every digit.
TEST_P(GroupNormConformance, LargeMean) {
  check({.channels = 64}, random_tensor({1, 40, 40, 64}, 3, 1000, 1), 2e-3f);  // an input's own rounding is 3e-5
}

TEST_P(GroupNormConformance, TokensWithoutPicture) {
  check({.channels = 32, .groups = 4}, random_tensor({3, 11, 32}, 3), 1e-5f);
}

// In place where nobody else looks, with the same bits.
TEST_P(GroupNormConformance, InItsOwnBytes) {
  const Tensor w = weight({64}, 1), b = weight({64}, 2);
  for (Backend* backend : {&cpu(), &reference()}) {
    const auto norm = backend->group_norm({.channels = 64, .activation = Activation::silu}, w, b);
    Tensor x = random_tensor({2, 37, 41, 64}, 3), other = x;
    const std::byte* const bytes = x.data();
    const Tensor expected = (*norm)(std::move(x));
    EXPECT_NE(expected.data(), bytes) << "another tensor refers to these";
    x = Tensor();
    const Tensor actual = (*norm)(std::move(other));
    EXPECT_EQ(actual.data(), bytes);
    expect_same_bits(actual, expected);
  }
}

// With the bits of their copy in one; a group may have channels of both.
TEST_P(GroupNormConformance, ChannelsOfTwoTensors) {
  for (const auto& [a, b, groups] :
       {std::array{1, 1, 1}, {5, 1, 3}, {32, 64, 32}, {33, 31, 32}, {20, 30, 5}, {640, 320, 32}}) {
    const GroupNormSpec spec{.channels = a + b, .groups = groups, .activation = Activation::silu};
    const Tensor w = weight({a + b}, 1), bias = weight({a + b}, 2), x = random_tensor({2, 11, 13, a}, 3, 0.5f),
                 y = random_tensor({2, 11, 13, b}, 4, -1, 2);
    const auto norm = cpu().group_norm(spec, w, bias);
    const Tensor both = (*norm)({x, y});
    expect_same_bits(both, (*norm)(cpu().concat(x, y)));
    expect_close(both, (*reference().group_norm(spec, w, bias))({x, y}), 1e-5f);
  }
}

// What it does, told to who does it.
TEST_P(GroupNormConformance, Coefficients) {
  const GroupNormSpec spec{.channels = 70, .groups = 5, .epsilon = 1e-3f};
  const Tensor w = weight({70}, 1), b = weight({70}, 2), x = random_tensor({2, 37, 41, 70}, 3, -1, 2);
  const Tensor expected = (*reference().group_norm(spec, w, b))(x);
  for (Backend* backend : {&cpu(), &reference()}) {
    const Tensor told = backend->group_norm(spec, w, b)->coefficients(x);
    ASSERT_EQ(told.shape(), (Shape{2, 3, 70}));
    Tensor made = Tensor::allocate(DType::F32, x.shape());
    for (std::int64_t i = 0; i < x.elements(); ++i) {
      const float* of_channel = told.floats().data() + i / (37 * 41 * 70) * 3 * 70 + i % 70;
      made.mutable_floats()[static_cast<std::size_t>(i)] =
          (x.floats()[static_cast<std::size_t>(i)] - of_channel[0]) * of_channel[70] + of_channel[2 * 70];
    }
    expect_close(made, expected, 1e-5f);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GroupNormConformance, testing::ValuesIn(all_variants()), variant_name);

}  // namespace
}  // namespace safelight
