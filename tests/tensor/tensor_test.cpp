#include "safelight/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace safelight {
namespace {

TEST(Shape, Elements) {
  EXPECT_EQ(elements({}), 1);
  EXPECT_EQ(elements({2, 3, 4}), 24);
  EXPECT_EQ(elements({5, 0}), 0);
  // The product of the first two alone would overflow.
  EXPECT_EQ(elements({std::int64_t{1} << 31, std::int64_t{1} << 32, 0}), 0);
}

TEST(Shape, Text) {
  EXPECT_EQ(to_string({}), "[]");
  EXPECT_EQ(to_string({2, 77, 768}), "[2, 77, 768]");
}

TEST(Tensor, DefaultIsEmpty) {
  const Tensor t;
  EXPECT_TRUE(t.empty());
  EXPECT_FALSE(t);
  EXPECT_EQ(t.bytes(), 0u);
}

TEST(Tensor, AllocatesAligned) {
  for (const DTypeInfo& row : dtypes()) {
    const Tensor t = Tensor::allocate(row.dtype, {8, 3});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(t.data()) % 64, 0u);
    EXPECT_EQ(t.bytes(), static_cast<std::size_t>(24 * row.bits / 8)) << row.name;
    EXPECT_EQ(t.elements(), 24);
    EXPECT_EQ(t.rank(), 2u);
    EXPECT_EQ(t.dim(1), 3);
    EXPECT_THROW(t.dim(2), std::out_of_range);
  }
}

TEST(Tensor, WithoutElementsIsNotEmpty) {
  const Tensor t = Tensor::allocate(DType::F32, {3, 0});
  EXPECT_FALSE(t.empty());
  EXPECT_EQ(t.bytes(), 0u);
}

TEST(Tensor, CopiesShareBytes) {
  Tensor a = Tensor::from(std::array{1.0f, 2.0f}, {2});
  const Tensor b = a;
  a.mutable_floats()[1] = 3.0f;
  EXPECT_EQ(b.floats()[1], 3.0f);
  EXPECT_EQ(b.reshaped({1, 2}).data(), a.data());
  EXPECT_EQ(b.reshaped({1, 2}).shape(), (Shape{1, 2}));
}

TEST(Tensor, KeepsTheOwnerAlive) {
  auto owner = std::make_shared<std::array<std::byte, 4>>();
  const std::weak_ptr<std::array<std::byte, 4>> watch = owner;
  {
    Tensor t(DType::U8, {4}, std::shared_ptr<const std::byte>(owner, owner->data()));
    owner.reset();
    const Tensor reshaped = t.reshaped({2, 2});
    t = {};
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace safelight
