#include <array>

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

INSTANTIATE_TEST_SUITE_P(All, EmbeddingConformance, testing::ValuesIn(all_variants()), variant_name);

}  // namespace
}  // namespace safelight
