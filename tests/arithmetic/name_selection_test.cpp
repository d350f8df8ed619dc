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
  const std::vector<TensorInfo> tensors{{.name = "a.weight"}, {.name = "a.bias"}};
  const Patterns none, good{"a.*"}, bad{"b.*"};
  EXPECT_NO_THROW(NameSelection(good, good).check(tensors));
  EXPECT_ERROR(NameSelection(bad, none).check(tensors), usage, "\"b.*\" fits none of its 2");
  EXPECT_ERROR(NameSelection(good, bad).check(tensors), usage, "\"b.*\"");
}

}  // namespace
}  // namespace safelight::test
