#include "conformance.h"

namespace safelight {
namespace {

class LayerNormConformance : public Conformance {
 protected:
  void check(std::int64_t channels, const Tensor& x, float tolerance) {
    const LayerNormSpec spec{.channels = channels};
    const Tensor w = weight({channels}, 1), b = weight({channels}, 2);
    expect_close((*cpu().layer_norm(spec, w, b))(x), (*reference().layer_norm(spec, w, b))(x), tolerance);
  }
};

TEST_P(LayerNormConformance, OddSizes) {
  for (const std::int64_t channels : {1, 2, 15, 16, 17, 63, 64, 100, 320, 769})
    check(channels, random_tensor({2, 9, channels}, 3, 1), 1e-5f);
}

TEST_P(LayerNormConformance, ManyRows) { check(50, random_tensor({3001, 50}, 3), 1e-5f); }

TEST_P(LayerNormConformance, LargeMean) { check(200, random_tensor({7, 200}, 3, 1000), 2e-3f); }

INSTANTIATE_TEST_SUITE_P(All, LayerNormConformance, testing::ValuesIn(all_variants()), variant_name);

}  // namespace
}  // namespace safelight
