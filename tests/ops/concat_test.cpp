#include "conformance.h"

namespace safelight {
namespace {

TEST(Concat, MatchesTheReference) {
  const std::string set = all_variants().front().instruction_set;
  for (const auto& [a, b] : {std::pair{1, 1}, {3, 5}, {64, 32}, {320, 640}}) {
    const Tensor x = random_tensor({2, 7, 5, a}, 1), y = random_tensor({2, 7, 5, b}, 2);
    expect_close(cpu_backend(set).concat(x, y), reference_backend().concat(x, y), 0);
  }
}

TEST(Concat, WholeCopiesTwoTensorsAlone) {
  const Tensor x = random_tensor({2, 3, 4}, 1), y = random_tensor({2, 3, 5}, 2);
  for (Backend* backend : {&cpu_backend(all_variants().front().instruction_set), &reference_backend()}) {
    EXPECT_EQ(backend->whole(x).data(), x.data());
    expect_same_bits(backend->whole({x, y}), backend->concat(x, y));
  }
}

}  // namespace
}  // namespace safelight
