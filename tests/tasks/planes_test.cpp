#include "tasks/planes.h"

#include <gmock/gmock.h>

#include <numeric>

namespace safelight {
namespace {

using ::testing::ElementsAre;

TEST(Planes, ThereAndBack) {
  std::vector<float> values(2 * 3 * 4 * 5);
  std::iota(values.begin(), values.end(), 0.0f);
  const Tensor nhwc = Tensor::from(values, {2, 3, 4, 5});
  const Tensor nchw = to_nchw(nhwc);
  EXPECT_EQ(nchw.shape(), (Shape{2, 5, 3, 4}));
  // Image 1, channel 2, row 1, column 3.
  EXPECT_EQ(nchw.floats()[((1 * 5 + 2) * 3 + 1) * 4 + 3], values[((1 * 3 + 1) * 4 + 3) * 5 + 2]);
  const Tensor back = to_nhwc(nchw);
  EXPECT_EQ(back.shape(), nhwc.shape());
  EXPECT_TRUE(std::ranges::equal(back.floats(), values));
}

TEST(Planes, OneImage) {
  const Tensor images = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {3, 2, 1});
  const Tensor second = image(images, 1);
  EXPECT_EQ(second.shape(), (Shape{1, 2, 1}));
  EXPECT_THAT(second.floats(), ElementsAre(3, 4));
}

}  // namespace
}  // namespace safelight
