#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <vector>

#include "safelight/error.h"
#include "safelight/tensor.h"

namespace safelight {
namespace {

template <class T>
Tensor tensor_of(DType dtype, const std::vector<T>& values) {
  Tensor t = Tensor::allocate(dtype, {static_cast<std::int64_t>(values.size())});
  std::memcpy(t.mutable_data(), values.data(), values.size() * sizeof(T));
  return t;
}

std::vector<float> widened(const Tensor& t) {
  const Tensor f = to_f32(t);
  return {f.floats().begin(), f.floats().end()};
}

TEST(ToF32, Integers) {
  EXPECT_EQ(widened(tensor_of<std::int8_t>(DType::I8, {-128, 0, 127})), (std::vector<float>{-128, 0, 127}));
  EXPECT_EQ(widened(tensor_of<std::uint8_t>(DType::U8, {0, 255})), (std::vector<float>{0, 255}));
  EXPECT_EQ(widened(tensor_of<std::int16_t>(DType::I16, {-32768, 32767})), (std::vector<float>{-32768, 32767}));
  EXPECT_EQ(widened(tensor_of<std::uint16_t>(DType::U16, {65535})), (std::vector<float>{65535}));
  // Beyond 2^24 to the nearest, ties to even.
  EXPECT_EQ(widened(tensor_of<std::int32_t>(DType::I32, {16777217, 16777219, -2147483647 - 1})),
            (std::vector<float>{16777216, 16777220, -2147483648.0f}));
  EXPECT_EQ(widened(tensor_of<std::uint32_t>(DType::U32, {4294967295u})), (std::vector<float>{4294967296.0f}));
  EXPECT_EQ(widened(tensor_of<std::int64_t>(DType::I64, {std::numeric_limits<std::int64_t>::min()})),
            (std::vector<float>{-9223372036854775808.0f}));
  EXPECT_EQ(widened(tensor_of<std::uint64_t>(DType::U64, {~std::uint64_t{0}})),
            (std::vector<float>{18446744073709551616.0f}));
}

TEST(ToF32, FloatsAndBooleans) {
  EXPECT_EQ(widened(tensor_of<float>(DType::F32, {1.5f, -0.0f})), (std::vector<float>{1.5f, -0.0f}));
  EXPECT_EQ(widened(tensor_of<double>(DType::F64, {0.1, 1e300})),
            (std::vector<float>{0.1f, std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(widened(tensor_of<std::uint8_t>(DType::BOOL, {0, 1, 2})), (std::vector<float>{0, 1, 1}));
}

TEST(ToF32, KeepsTheShape) { EXPECT_EQ(to_f32(Tensor::allocate(DType::U8, {2, 3, 0})).shape(), (Shape{2, 3, 0})); }

TEST(ToF32, UnalignedBytes) {
  const auto bytes = std::make_shared<std::vector<std::byte>>(9);
  const double value = 2.5;
  std::memcpy(bytes->data() + 1, &value, sizeof value);
  const Tensor t(DType::F64, {1}, std::shared_ptr<const std::byte>(bytes, bytes->data() + 1));
  EXPECT_EQ(widened(t), std::vector<float>{2.5f});
}

TEST(ToF32, RefusesTypesWithoutOneNumberPerElement) {
  for (const DType dtype : {DType::C64, DType::F4, DType::F6_E2M3, DType::F6_E3M2}) {
    try {
      to_f32(Tensor::allocate(dtype, {4}));
      FAIL() << name(dtype);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), ErrorCategory::format);
      EXPECT_NE(std::string_view(e.what()).find(name(dtype)), std::string_view::npos);
    }
  }
}

}  // namespace
}  // namespace safelight
