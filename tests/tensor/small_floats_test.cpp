// Every value of the small floating types against torch's (tests/golden/small_floats.py).
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "safelight/safetensors.h"
#include "safelight/tensor.h"

namespace safelight {
namespace {

class SmallFloats : public testing::TestWithParam<DType> {};

// The bit patterns 0, 1, 2, ... of a type, as a tensor.
Tensor every_value(DType dtype) {
  const int bytes = bits(dtype) / 8;
  const std::int64_t count = std::int64_t{1} << bits(dtype);
  Tensor t = Tensor::allocate(dtype, {count});
  for (std::int64_t i = 0; i < count; ++i)
    std::memcpy(t.mutable_data() + i * bytes, &i, static_cast<std::size_t>(bytes));
  return t;
}

TEST_P(SmallFloats, WidenAsTorchDoes) {
  const SafeTensors goldens = SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/tensor/small_floats.safetensors");
  const Tensor golden = to_f32(goldens.tensor(name(GetParam())));
  const Tensor ours = to_f32(every_value(GetParam()));
  ASSERT_EQ(ours.shape(), golden.shape());
  for (std::size_t i = 0; i < golden.floats().size(); ++i) {
    const float expected = golden.floats()[i], found = ours.floats()[i];
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(found)) << "bit pattern " << i;
    else  // by bits, so that the sign of zero counts
      EXPECT_EQ(std::bit_cast<std::uint32_t>(found), std::bit_cast<std::uint32_t>(expected)) << "bit pattern " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, SmallFloats, testing::Values(DType::F16, DType::BF16, DType::F8_E4M3, DType::F8_E5M2),
                         [](const auto& test) { return std::string(name(test.param)); });

}  // namespace
}  // namespace safelight
