#include "arithmetic/name_selection.h"

#include "support/expect_error.h"

namespace safelight::test {
namespace {

using Patterns = std::vector<std::string>;

TEST(NameSelection, OnlyAndExcept) {
  const Patterns none, unet{"model.*"}, biases{"*.bias", "*.norm?.*"};
  EXPECT_TRUE(NameSelection(none, none).contains("anything"));
  EXPECT_TRUE(NameSelection(unet, none).contains("model.a.bias"));
  EXPECT_FALSE(NameSelection(unet, none).contains("cond.a.bias"));
  EXPECT_FALSE(NameSelection(unet, biases).contains("model.a.bias"));
  EXPECT_FALSE(NameSelection(none, biases).contains("x.norm1.weight"));
  EXPECT_TRUE(NameSelection(unet, biases).contains("model.a.weight"));
}

TEST(NameSelection, APatternThatFitsNothingIsAnError) {
  const TensorInfo weight{"a.weight", DType::F32, {}, 0, 0}, bias{"a.bias", DType::F32, {}, 0, 0};
  const std::vector<ShardedTensors::Entry> tensors{{&weight, nullptr}, {&bias, nullptr}};
  const Patterns none, good{"a.*"}, bad{"b.*"};
  EXPECT_NO_THROW(NameSelection(good, good).check(tensors));
  EXPECT_ERROR(NameSelection(bad, none).check(tensors), model, "\"b.*\" fits none of its 2");
  EXPECT_ERROR(NameSelection(good, bad).check(tensors), model, "\"b.*\"");
}

}  // namespace
}  // namespace safelight::test
