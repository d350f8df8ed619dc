#include <cmath>

#include "conformance.h"

namespace safelight {
namespace {

class AttentionConformance : public Conformance {
 protected:
  void check(std::int64_t images, std::int64_t queries, std::int64_t keys, AttentionSpec spec, std::int64_t width,
             float deviation = 1) {
    spec.precision = GetParam().precision;
    const std::int64_t channels = spec.heads * width;
    const Tensor q = input({images, queries, channels}, 1, 0, deviation), k = input({images, keys, channels}, 2);
    const Tensor v = input({images, keys, channels}, 3);
    expect_close(cpu().attention(q, k, v, spec), reference().attention(q, k, v, spec), deviation * tolerance());
  }

  // In bf16 the weights of values are rounded to 8 bits.
  float tolerance() const { return GetParam().precision == Precision::bf16 ? 0x1p-7f : 4e-6f; }
};

TEST_P(AttentionConformance, HeadWidths) {
  for (const std::int64_t width : {1, 5, 12, 16, 40, 64, 72, 80, 160}) check(2, 13, 13, {.heads = 3}, width);
  check(1, 20, 20, {.heads = 1}, 512);
}

TEST_P(AttentionConformance, TokenCounts) {
  for (const auto& [queries, keys] : {std::pair{1, 1},
                                      {1, 77},
                                      {7, 3},
                                      {95, 255},
                                      {97, 257},
                                      {200, 77},
                                      {64, 600},
                                      {5, 3100}})  // one more than a block of keys, of any vector
    for (const std::int64_t width : {20, 41, 80}) check(1, queries, keys, {.heads = 2}, width);
}

TEST_P(AttentionConformance, Causal) {
  for (const std::int64_t tokens : {1, 2, 15, 16, 17, 77, 100, 300, 800})
    for (const std::int64_t width : {12, 40, 64}) check(2, tokens, tokens, {.heads = 2, .causal = true}, width);
}

TEST_P(AttentionConformance, PeakedScores) {
  for (const std::int64_t width : {40, 80}) check(1, 40, 300, {.heads = 1}, width, 30);
}

// Far below the largest score nothing may remain, and a maximum found late must shrink what came before.
TEST_P(AttentionConformance, ScoresThatGrow) {
  const std::int64_t keys = 3100;
  Tensor k = Tensor::allocate(DType::F32, {1, keys, 1});
  for (std::size_t i = 0; i < k.floats().size(); ++i) k.mutable_floats()[i] = static_cast<float>(i);
  const Tensor q = random_tensor({1, 5, 1}, 1, 1, 0.1f), v = random_tensor({1, keys, 1}, 2);
  expect_close(cpu().attention(q, k, v, {}), reference().attention(q, k, v, {}), 1e-4f);
}

// Of numbers that are none of bf16.
class Bf16Attention : public AttentionConformance {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16Attention);  // where nothing multiplies bf16

double apart(const Tensor& a, const Tensor& b) {
  double squares = 0, all = 0;
  for (std::size_t i = 0; i < a.floats().size(); ++i) {
    const double difference = a.floats()[i] - b.floats()[i], value = b.floats()[i];
    squares += difference * difference, all += value * value;
  }
  return std::sqrt(squares / all);
}

TEST_P(Bf16Attention, RoundsQueriesKeysAndValues) {
  for (const std::int64_t width : {40, 80}) {
    const Tensor q = random_tensor({2, 90, width}, 1), k = random_tensor({2, 300, width}, 2),
                 v = random_tensor({2, 300, width}, 3);
    const Tensor actual = cpu().attention(q, k, v, {.precision = Precision::bf16});
    const Tensor rounded = reference().attention(rounded_to_bf16(q), rounded_to_bf16(k), rounded_to_bf16(v), {});
    const double from_full = apart(actual, reference().attention(q, k, v, {}));
    EXPECT_GT(from_full, 5e-4) << "nothing was rounded";
    EXPECT_LT(from_full, 1e-2);
    EXPECT_LT(apart(actual, rounded), 0.8 * from_full) << "what remains is of the weights";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Bf16Attention, testing::ValuesIn(instruction_sets(Precision::bf16)), variant_name);

INSTANTIATE_TEST_SUITE_P(All, AttentionConformance, testing::ValuesIn(and_in_bf16(instruction_sets)), variant_name);

}  // namespace
}  // namespace safelight
