#include "safelight/diff.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "arithmetic/files.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

class Diff : public ::testing::Test {
 protected:
  FileDiff diff(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b, const DiffOptions& options = {},
                const Metadata& a_metadata = {}, const Metadata& b_metadata = {}, const Context& context = {}) {
    save(folder_ / "a", a, a_metadata);
    save(folder_ / "b", b, b_metadata);
    return safelight::diff(SafeTensors::open(folder_ / "a"), SafeTensors::open(folder_ / "b"), options, context);
  }
  // The numbers of two tensors. REQUIRES: they are not byte for byte the same.
  NumberDiff numbers_of(const Tensor& a, const Tensor& b, const DiffOptions& options = {}) {
    return diff({{"t", a}}, {{"t", b}}, options).tensors.at(0).numbers.value();
  }

  TemporaryFolder folder_;
};

TEST_F(Diff, Same) {
  const std::vector<NamedTensor> file{
      {"a", numbers({1, kNan, -0.0f})}, {"b", raw<std::int8_t>(DType::I8, {1, 2})}, {"c", numbers({})}};
  const FileDiff found = diff(file, file, {}, {{"k", "v"}}, {{"k", "v"}});
  EXPECT_FALSE(found.differs);
  EXPECT_EQ(found.compared, 3);
  EXPECT_EQ(found.same, 3);
  EXPECT_TRUE(found.tensors.empty());
  EXPECT_TRUE(found.metadata.empty());
}

TEST_F(Diff, Structure) {
  const FileDiff found =
      diff({{"gone", numbers({1})}, {"shape", numbers({1, 2}, {1, 2})}, {"type", numbers({1})}, {"same", numbers({4})}},
           {{"new", numbers({1})},
            {"shape", numbers({1, 2}, {2, 1})},
            {"type", numbers({1}, DType::F16)},
            {"same", numbers({4})}});
  EXPECT_TRUE(found.differs);
  EXPECT_EQ(found.compared, 3);
  EXPECT_EQ(found.same, 1);
  ASSERT_EQ(found.tensors.size(), 4u);
  EXPECT_EQ(found.tensors[0].name, "gone");
  EXPECT_TRUE(found.tensors[0].a && !found.tensors[0].b && found.tensors[0].differs);
  EXPECT_EQ(found.tensors[1].name, "new");
  EXPECT_TRUE(!found.tensors[1].a && found.tensors[1].b && found.tensors[1].differs);
  EXPECT_EQ(found.tensors[2].name, "shape");
  EXPECT_TRUE(found.tensors[2].differs && !found.tensors[2].numbers);
  EXPECT_EQ(found.tensors[3].name, "type");
  EXPECT_TRUE(found.tensors[3].differs);
  EXPECT_EQ(found.tensors[3].numbers->unequal, 0);
}

TEST_F(Diff, Metadata) {
  const FileDiff found = diff({}, {}, {}, {{"a", "1"}, {"b", "2"}, {"c", "3"}}, {{"b", "9"}, {"c", "3"}, {"d", "4"}});
  EXPECT_TRUE(found.differs);
  ASSERT_EQ(found.metadata.size(), 3u);
  EXPECT_EQ(found.metadata[0].a, "1");
  EXPECT_EQ(found.metadata[0].b, std::nullopt);
  EXPECT_EQ(found.metadata[1].b, "9");
  EXPECT_EQ(found.metadata[2].key, "d");
  EXPECT_FALSE(diff({}, {}, {.ignore_metadata = true}, {{"a", "1"}}, {}).differs);
}

TEST_F(Diff, Measures) {
  const NumberDiff n = numbers_of(numbers({1, 2, 2, 0}), numbers({1, 4, 1, 0}));
  EXPECT_EQ(n.values, 4);
  EXPECT_EQ(n.differing, 2);
  EXPECT_EQ(n.unequal, 2);
  EXPECT_EQ(n.max_absolute, 2);
  EXPECT_EQ(n.at, 1);
  EXPECT_EQ(n.max_relative, 0.5);
  EXPECT_DOUBLE_EQ(n.rms, std::sqrt(5.0 / 4));
  EXPECT_DOUBLE_EQ(n.cosine, 11 / (3 * std::sqrt(18.0)));
  EXPECT_EQ(numbers_of(numbers({0, 0}), numbers({1, 0})).cosine, 0);
  EXPECT_EQ(numbers_of(numbers({0.0f}), numbers({-0.0f})).cosine, 1);
}

TEST_F(Diff, Tolerances) {
  const std::vector<NamedTensor> a{{"t", numbers({1, 100})}}, b{{"t", numbers({1.25f, 101})}};
  EXPECT_TRUE(diff(a, b).differs);
  EXPECT_TRUE(diff(a, b, {.tolerance = 0.5}).differs);
  EXPECT_FALSE(diff(a, b, {.tolerance = 1}).differs);
  EXPECT_TRUE(diff(a, b, {.relative = 0.1}).differs);
  EXPECT_FALSE(diff(a, b, {.relative = 0.2}).differs);
  EXPECT_FALSE(diff(a, b, {.tolerance = 0.24, .relative = 0.01}).differs);
  const FileDiff found = diff(a, b, {.tolerance = 1});
  EXPECT_EQ(found.same, 1);
  EXPECT_EQ(found.tensors.at(0).numbers->unequal, 2);
  EXPECT_EQ(found.tensors.at(0).numbers->differing, 0);
}

TEST_F(Diff, NanEqualsNanAndAnInfinityItself) {
  const Tensor a = raw<std::uint32_t>(DType::F32, {0x7FC00000, 0x7F800000, 0x3F800000}),
               b = raw<std::uint32_t>(DType::F32, {0xFFC12345, 0x7F800000, 0x3F800000});
  EXPECT_EQ(numbers_of(a, b).unequal, 0);
  const NumberDiff n = numbers_of(numbers({kNan, kInfinity, kInfinity, 5}), numbers({1, -kInfinity, 2, 5}));
  EXPECT_EQ(n.not_finite, 3);
  EXPECT_EQ(n.unequal, 3);
  EXPECT_EQ(n.differing, 3);
  EXPECT_EQ(n.max_absolute, 0);
  EXPECT_EQ(n.rms, 0);
  EXPECT_TRUE(diff({{"t", numbers({kNan})}}, {{"t", numbers({1})}}, {.tolerance = 1e30}).differs);
}

TEST_F(Diff, TypesAreComparedAsNumbers) {
  const std::vector<NamedTensor> wide{{"t", numbers({0.1f, 7})}}, half{{"t", numbers({0.1f, 7}, DType::F16)}};
  EXPECT_TRUE(diff(wide, half, {.tolerance = 1}).differs);
  EXPECT_FALSE(diff(wide, half, {.relative = 0x1p-11, .ignore_dtype = true}).differs);
  EXPECT_TRUE(diff(wide, half, {.ignore_dtype = true}).differs);
  EXPECT_FALSE(
      diff({{"t", raw<std::int16_t>(DType::I16, {-3})}}, {{"t", numbers({-3}, DType::BF16)}}, {.ignore_dtype = true})
          .differs);
}

TEST_F(Diff, LargeIntegersAreComparedExactly) {
  constexpr std::int64_t kLarge = std::int64_t{1} << 60;
  const NumberDiff n = numbers_of(raw<std::int64_t>(DType::I64, {kLarge, INT64_MIN}),
                                  raw<std::int64_t>(DType::I64, {kLarge + 1, INT64_MAX}));
  EXPECT_EQ(n.unequal, 2);
  EXPECT_EQ(n.max_absolute, 0x1p64);
  EXPECT_EQ(n.at, 1);
  EXPECT_EQ(
      numbers_of(raw<std::uint64_t>(DType::U64, {~0ull}), raw<std::uint64_t>(DType::U64, {~0ull - 2})).max_absolute, 2);
}

TEST_F(Diff, TypesWithoutNumbersAreComparedAsBytes) {
  Tensor a = Tensor::allocate(DType::C64, {2}), b = Tensor::allocate(DType::C64, {2});
  std::memset(a.mutable_data(), 1, a.bytes());
  std::memset(b.mutable_data(), 2, b.bytes());
  const FileDiff found = diff({{"t", a}}, {{"t", b}});
  EXPECT_TRUE(found.differs);
  EXPECT_TRUE(found.tensors.at(0).bytes_differ);
  EXPECT_FALSE(found.tensors.at(0).numbers);
  EXPECT_FALSE(diff({{"t", a}}, {{"t", a}}).differs);
  Tensor four = Tensor::allocate(DType::F4, {2});
  std::memset(four.mutable_data(), 0x21, four.bytes());
  EXPECT_FALSE(diff({{"t", four}}, {{"t", four}}).differs);
}

TEST_F(Diff, TheSameBitsOnAnyNumberOfThreads) {
  std::vector<float> a(400'000), b(400'000);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = std::sin(static_cast<float>(i));
    b[i] = a[i] + (i % 1000 == 999 ? 1e-3f * static_cast<float>(i % 7) : 0);
  }
  const auto with = [&](int threads) {
    return diff({{"t", numbers(a)}}, {{"t", numbers(b)}}, {}, {}, {}, {.threads = threads})
        .tensors.at(0)
        .numbers.value();
  };
  const NumberDiff first = with(1);
  EXPECT_EQ(first.values, 400'000);
  EXPECT_GT(first.unequal, 300);
  for (const int threads : {2, 3}) {
    const NumberDiff n = with(threads);
    EXPECT_EQ(n.rms, first.rms);
    EXPECT_EQ(n.cosine, first.cosine);
    EXPECT_EQ(n.at, first.at);
  }
}

TEST_F(Diff, ChosenTensorsAndBadOptions) {
  const std::vector<NamedTensor> a{{"x.w", numbers({1})}, {"y.w", numbers({1})}},
      b{{"x.w", numbers({1})}, {"y.w", numbers({2})}, {"z", numbers({2})}};
  EXPECT_FALSE(diff(a, b, {.only = {"x.*"}}).differs);
  EXPECT_FALSE(diff(a, b, {.except = {"y.*", "z"}}).differs);
  EXPECT_ERROR(diff(a, b, {.only = {"q"}}), model, "\"q\" fits none");
  EXPECT_ERROR(diff(a, b, {.tolerance = -1}), usage, "found -1");
  EXPECT_ERROR(diff(a, b, {.relative = std::nan("")}), usage, "tolerance");
}

}  // namespace
}  // namespace safelight::test
