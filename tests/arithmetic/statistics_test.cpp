#include "safelight/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <span>

#include "safelight/cast.h"
#include "support/expect_error.h"
#include "support/instruction_sets.h"

namespace safelight::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

template <class Value>
Tensor tensor(DType dtype, const std::vector<Value>& values) {
  Tensor t = Tensor::allocate(dtype, {static_cast<std::int64_t>(values.size())});
  std::ranges::copy(std::as_bytes(std::span(values)), t.mutable_data());
  return t;
}

Statistics one(const Tensor& t, int bins = 64, int threads = 1) {
  return statistics({&t, 1}, {.bins = bins}, {.threads = threads}).at(0);
}

std::vector<double> normal(std::size_t count, double mean, double spread) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> distribution(mean, spread);
  std::vector<double> values(count);
  for (double& v : values) v = distribution(random);
  return values;
}

TEST(Statistics, OfAFewNumbers) {
  for_each_instruction_set([](const std::string&) {
    const Statistics s = one(tensor<double>(DType::F64, {0, 1, 2, 5}), 5);
    EXPECT_TRUE(s.numeric);
    EXPECT_EQ(s.elements, 4);
    EXPECT_EQ(s.zeros, 1);
    EXPECT_EQ(s.min, 0);
    EXPECT_EQ(s.max, 5);
    EXPECT_EQ(s.mean, 2);
    EXPECT_DOUBLE_EQ(s.std, std::sqrt(3.5));
    EXPECT_EQ(s.histogram, (std::vector<std::int64_t>{1, 1, 1, 0, 1}));
  });
}

TEST(Statistics, NanAndInfinityAreCountedApart) {
  for (const std::size_t filler : {0u, 3000u}) {
    std::vector<double> values(filler, 1.5);
    values.insert(values.end(), {kNan, 1, -kInfinity, 2, kInfinity, -kNan, 0, -0.0});
    const Statistics s = one(tensor(DType::F64, values), 4);
    EXPECT_EQ(s.nans, 2);
    EXPECT_EQ(s.infinities, 2);
    EXPECT_EQ(s.zeros, 2);
    EXPECT_EQ(s.min, 0);
    EXPECT_FALSE(std::signbit(s.min));
    EXPECT_EQ(s.max, 2);
    EXPECT_DOUBLE_EQ(s.mean, (3 + 1.5 * static_cast<double>(filler)) / static_cast<double>(4 + filler));
    EXPECT_EQ(s.histogram, (std::vector<std::int64_t>{2, 0, 1, static_cast<std::int64_t>(filler) + 1}));
  }
}

TEST(Statistics, NothingFinite) {
  for (const std::vector<double>& values : {std::vector<double>{}, {kNan, kInfinity}}) {
    const Statistics s = one(tensor(DType::F64, values), 2);
    EXPECT_EQ(s.elements, static_cast<std::int64_t>(values.size()));
    EXPECT_EQ(s.min, 0);
    EXPECT_EQ(s.max, 0);
    EXPECT_EQ(s.mean, 0);
    EXPECT_EQ(s.std, 0);
    EXPECT_EQ(s.histogram, (std::vector<std::int64_t>{0, 0}));
  }
}

// A sum of squares would have lost every digit of the spread.
TEST(Statistics, ALargeOffsetDoesNotSpoilTheSpread) {
  const std::vector<double> values = normal(300'000, 1e9, 1e-3);
  long double mean = 0, squares = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<long double>(values.size());
  for (const double v : values) squares += (v - mean) * (v - mean);
  const Statistics s = one(tensor(DType::F64, values));
  EXPECT_NEAR(s.mean, static_cast<double>(mean), 2e-7);  // an ulp of 1e9 is 1.2e-7
  EXPECT_NEAR(s.std, std::sqrt(static_cast<double>(squares / static_cast<long double>(values.size()))), 1e-9);
}

TEST(Statistics, TheSameBitsOnAnyNumberOfThreads) {
  const Tensor wide = tensor(DType::F64, normal(2'500'001, 0.1, 1)), half = cast(wide, DType::F16);
  for (const Tensor& t : {wide, half}) {
    const Statistics first = one(t);
    for (const int threads : {2, 5}) {
      const Statistics s = one(t, 64, threads);
      EXPECT_EQ(std::bit_cast<std::uint64_t>(s.mean), std::bit_cast<std::uint64_t>(first.mean));
      EXPECT_EQ(std::bit_cast<std::uint64_t>(s.std), std::bit_cast<std::uint64_t>(first.std));
      EXPECT_EQ(s.histogram, first.histogram);
    }
  }
}

TEST(Statistics, HistogramOnEveryInstructionSetAsByHand) {
  const std::vector<double> values = normal(5001, -3, 2);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  std::vector<std::int64_t> expected(7);
  for (const double v : values)
    ++expected[std::min<std::size_t>(6, static_cast<std::size_t>((v - *low) * (7 / (*high - *low))))];
  for_each_instruction_set(
      [&](const std::string& set) { EXPECT_EQ(one(tensor(DType::F64, values), 7).histogram, expected) << set; });
}

TEST(Statistics, ExtremeRanges) {
  constexpr double kMost = std::numeric_limits<double>::max(), kLeast = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(one(tensor<double>(DType::F64, {-kMost, 0, kMost}), 3).histogram, (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(one(tensor<double>(DType::F64, {0, kLeast}), 2).histogram, (std::vector<std::int64_t>{2, 0}));
  EXPECT_EQ(one(tensor<double>(DType::F64, {4, 4}), 2).histogram, (std::vector<std::int64_t>{2, 0}));
}

TEST(Statistics, EveryNumericType) {
  const auto check = [](const Tensor& t, double min, double max) {
    const Statistics s = one(t);
    EXPECT_TRUE(s.numeric) << name(t.dtype());
    EXPECT_EQ(s.min, min) << name(t.dtype());
    EXPECT_EQ(s.max, max) << name(t.dtype());
    EXPECT_EQ(s.mean, (min + max) / 2) << name(t.dtype());
  };
  check(tensor<std::uint8_t>(DType::BOOL, {0, 1, 2, 0}), 0, 1);
  check(tensor<std::uint8_t>(DType::U8, {0, 255}), 0, 255);
  check(tensor<std::int8_t>(DType::I8, {-128, 127}), -128, 127);
  check(tensor<std::uint16_t>(DType::U16, {0, 65535}), 0, 65535);
  check(tensor<std::int16_t>(DType::I16, {-32768, 32767}), -32768, 32767);
  check(tensor<std::uint32_t>(DType::U32, {0, 4294967295}), 0, 4294967295);
  check(tensor<std::int32_t>(DType::I32, {-2147483647, 2147483647}), -2147483647, 2147483647);
  check(tensor<std::uint64_t>(DType::U64, {0, std::uint64_t{1} << 63}), 0, 0x1p63);
  check(tensor<std::int64_t>(DType::I64, {-4, 8}), -4, 8);
  const Tensor wide = tensor<double>(DType::F64, {-1.5, 3});
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16, DType::F8_E4M3, DType::F8_E5M2})
    check(cast(wide, dtype), -1.5, 3);
}

// Of large tensors of small types, codes are counted; of F64, values.
void expect_same(const Tensor& small, const Tensor& wide) {
  SCOPED_TRACE(name(small.dtype()));
  const Statistics s = one(small, 61, 2), w = one(wide, 61);
  EXPECT_EQ(s.elements, w.elements);
  EXPECT_EQ(s.nans, w.nans);
  EXPECT_EQ(s.infinities, w.infinities);
  EXPECT_EQ(s.zeros, w.zeros);
  EXPECT_EQ(s.min, w.min);
  EXPECT_EQ(s.max, w.max);
  EXPECT_NEAR(s.mean, w.mean, 1e-12 * w.std);
  EXPECT_NEAR(s.std, w.std, 1e-12 * w.std);
  EXPECT_EQ(s.histogram, w.histogram);
}

TEST(Statistics, SmallTypesHaveTheStatisticsOfTheirNumbers) {
  std::vector<double> values = normal(700'003, 0.3, 2);
  for (std::size_t i = 0; i < values.size(); i += 1000) values[i] = 0;
  values[7] = kNan;
  values[600'000] = kInfinity;
  values[700'002] = -kInfinity;
  const Tensor exact = tensor(DType::F64, values);
  for (const DType dtype : {DType::F16, DType::BF16, DType::F8_E4M3, DType::F8_E5M2}) {
    const Tensor small = cast(exact, dtype);
    expect_same(small, cast(small, DType::F64));
  }
  std::vector<std::int8_t> bytes;
  std::vector<std::uint16_t> words;
  std::vector<double> numbers8, numbers16;
  for (std::size_t i = 0; i < 300'000; ++i) {
    numbers8.push_back(bytes.emplace_back(static_cast<std::int8_t>(i * i % 251 - 100)));
    numbers16.push_back(words.emplace_back(static_cast<std::uint16_t>(i * i)));
  }
  expect_same(tensor(DType::I8, bytes), tensor(DType::F64, numbers8));
  expect_same(tensor(DType::U16, words), tensor(DType::F64, numbers16));
}

TEST(Statistics, LargeTensorsOfNothingFinite) {
  const Tensor t = tensor(DType::F16, std::vector<std::uint16_t>(300'000, 0x7E00));
  EXPECT_EQ(one(t, 2).nans, 300'000);
  EXPECT_EQ(one(t, 2).histogram, (std::vector<std::int64_t>{0, 0}));
}

TEST(Statistics, TypesWithoutNumbersAreSaidToHaveNone) {
  const Statistics s = one(Tensor::allocate(DType::C64, {3}));
  EXPECT_FALSE(s.numeric);
  EXPECT_EQ(s.elements, 3);
  EXPECT_TRUE(s.histogram.empty());
}

TEST(Statistics, ManyTensorsAtOnce) {
  std::vector<Tensor> tensors;
  for (int i = 0; i < 300; ++i)
    tensors.push_back(
        Tensor::from(std::vector<float>(static_cast<std::size_t>(i % 7 == 0 ? 40'000 : i), static_cast<float>(i)),
                     {i % 7 == 0 ? 40'000 : i}));
  std::int64_t reported = 0;
  const auto all = statistics(tensors, {}, {.threads = 2, .on_progress = [&](const Progress& p) {
                                              EXPECT_GT(p.done, reported);
                                              reported = p.done;
                                              EXPECT_GE(p.total, p.done);
                                            }});
  ASSERT_EQ(all.size(), tensors.size());
  for (int i = 1; i < 300; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].mean, i);
  EXPECT_GT(reported, 0);
}

TEST(Statistics, CanBeCancelled) {
  CancelToken token;
  token.cancel();
  const Tensor t = Tensor::from(std::vector<float>{1}, {1});
  EXPECT_ERROR(statistics({&t, 1}, {}, {.threads = 1, .cancel = &token}), cancelled, "cancelled");
  EXPECT_ERROR(one(t, 0), usage, "1 to 256 bins");
  EXPECT_ERROR(one(t, 257), usage, "found 257");
}

}  // namespace
}  // namespace safelight::test
