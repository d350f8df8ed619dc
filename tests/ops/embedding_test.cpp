#include <array>
#include <cmath>
#include <cstring>

#include "conformance.h"

namespace safelight {
namespace {

using EmbeddingConformance = Conformance;

TEST_P(EmbeddingConformance, RowsAreExact) {
  for (const std::int64_t width : {1, 7, 16, 33, 64}) {
    const Tensor table = weight({9, width}, 1);
    const std::array<std::int32_t, 6> ids{0, 8, 3, 3, 7, 1};
    const EmbeddingSpec spec{.rows = 9, .width = width};
    expect_close((*cpu().embedding(spec, table))(ids), (*reference().embedding(spec, table))(ids), 0);
  }
}

TEST_P(EmbeddingConformance, TinyValuesAreExact) {
  const Tensor table = stored(random_tensor({3, 37}, 1, 0, 3e-7f), GetParam().weights, GetParam().unaligned);
  const std::array<std::int32_t, 3> ids{2, 0, 1};
  const EmbeddingSpec spec{.rows = 3, .width = 37};
  expect_close((*cpu().embedding(spec, table))(ids), (*reference().embedding(spec, table))(ids), 0);
}

// Every number of a type of 8 or 16 bits; of F32 those whose lower half is zero.
TEST_P(EmbeddingConformance, EveryCode) {
  const auto width = static_cast<std::size_t>(bits(GetParam().weights)) / 8;
  const std::size_t count = width == 1 ? 256 : 65536, free_bytes = width == 4 ? 2 : 0;
  const std::shared_ptr<std::byte[]> codes(new std::byte[count * width]());
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(codes.get() + i * width + free_bytes, &i, width - free_bytes);  // little-endian, as the file
  const auto columns = static_cast<std::int64_t>(count);
  const Tensor table(GetParam().weights, {1, columns}, std::shared_ptr<const std::byte>(codes, codes.get()));
  const std::array<std::int32_t, 1> ids{0};
  const Tensor actual = (*cpu().embedding({.rows = 1, .width = columns}, table))(ids), expected = to_f32(table);
  for (std::size_t i = 0; i < count; ++i) {
    const float want = expected.floats()[i], got = actual.floats()[i];
    ASSERT_TRUE(std::isnan(want) ? std::isnan(got) : got == want) << "code " << i << ": " << got << " for " << want;
  }
}

INSTANTIATE_TEST_SUITE_P(All, EmbeddingConformance, testing::ValuesIn(all_variants()), variant_name);

}  // namespace
}  // namespace safelight
