// Classifier-free guidance: what the network is asked, and what is made of its answer.
#include "diffusion/guidance.h"

#include <gmock/gmock.h>

#include <cmath>

#include "safelight/error.h"

namespace safelight {
namespace {

using testing::Each;
using testing::ElementsAre;

std::vector<float> values(const Tensor& t) { return {t.floats().begin(), t.floats().end()}; }

// Answers x + 10 * (the first number of the image's context), and remembers what it was asked.
struct ToyNetwork {
  Tensor operator()(const Tensor& x, std::span<const float> t, const Tensor& context) {
    ++calls;
    images = x.dim(0);
    timesteps.assign(t.begin(), t.end());
    Tensor y = Tensor::allocate(DType::F32, x.shape());
    const std::int64_t image_size = x.elements() / x.dim(0), context_size = context.elements() / context.dim(0);
    for (std::int64_t i = 0; i < x.elements(); ++i) {
      const auto at = static_cast<std::size_t>(i / image_size * context_size);
      y.mutable_floats()[static_cast<std::size_t>(i)] =
          x.floats()[static_cast<std::size_t>(i)] + 10 * context.floats()[at];
    }
    return y;
  }
  int calls = 0;
  std::int64_t images = 0;
  std::vector<float> timesteps;
};

Tensor context_of(std::vector<float> per_image) {
  const auto n = static_cast<std::int64_t>(per_image.size());
  return Tensor::from(per_image, {n, 1, 1});
}

const Tensor kTwoImages = Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 1, 1, 2});

TEST(Guidance, MovesFromTheNegativePromptToThePrompt) {
  ToyNetwork network;
  const Guidance guidance(std::ref(network), context_of({1, 2}), context_of({0.5f, -1}), 7.5f);
  // u = x + 10 * negative, c = x + 10 * prompt
  EXPECT_THAT(values(guidance(kTwoImages, 41.625f)), ElementsAre(43.5f, 44.5f, 218, 219));
  EXPECT_EQ(network.calls, 1) << "both sides are one batch";
  EXPECT_EQ(network.images, 4);
  EXPECT_EQ(network.timesteps.size(), 4u);
  EXPECT_THAT(network.timesteps, Each(41.625f));
}

TEST(Guidance, CanAskForOneTextAfterTheOther) {
  ToyNetwork network;
  const Guidance guidance(std::ref(network), context_of({1, 2}), context_of({0.5f, -1}), 7.5f, Passes::in_turn);
  EXPECT_THAT(values(guidance(kTwoImages, 41.625f)), ElementsAre(43.5f, 44.5f, 218, 219));
  EXPECT_EQ(network.calls, 2);
  EXPECT_EQ(network.images, 2);
  EXPECT_THAT(network.timesteps, ElementsAre(41.625f, 41.625f));
}

TEST(Guidance, OfOneAsksForThePromptAlone) {
  ToyNetwork network;
  const Guidance guidance(std::ref(network), context_of({1, 2}), Tensor(), 1);
  EXPECT_THAT(values(guidance(kTwoImages, 3)), ElementsAre(11, 12, 23, 24));
  EXPECT_EQ(network.images, 2);
  EXPECT_THAT(network.timesteps, ElementsAre(3, 3));
}

TEST(Guidance, OfZeroIsTheNegativePrompt) {
  const Guidance guidance(ToyNetwork(), context_of({1, 2}), context_of({0.5f, -1}), 0);
  EXPECT_THAT(values(guidance(kTwoImages, 3)), ElementsAre(6, 7, -7, -6));
}

ErrorCategory category_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.category();
  }
  ADD_FAILURE() << "no error";
  return ErrorCategory::cancelled;
}

TEST(Guidance, RefusesWhatDoesNotFit) {
  EXPECT_EQ(category_of([] { Guidance(ToyNetwork(), context_of({1, 2}), context_of({1}), 7); }), ErrorCategory::model);
  EXPECT_EQ(category_of([] { Guidance(ToyNetwork(), context_of({1}), Tensor(), 7); }), ErrorCategory::model);
  EXPECT_EQ(category_of([] { Guidance(ToyNetwork(), context_of({1}), context_of({1}), std::nanf("")); }),
            ErrorCategory::usage);
  EXPECT_EQ(category_of([] { Guidance(ToyNetwork(), context_of({1}), context_of({1}), HUGE_VALF); }),
            ErrorCategory::usage);
  EXPECT_EQ(category_of([] { Guidance(ToyNetwork(), context_of({1}), context_of({1}), 7)(kTwoImages, 3); }),
            ErrorCategory::model);
  const auto short_answer = [](const Tensor&, std::span<const float>, const Tensor&) { return context_of({1}); };
  EXPECT_EQ(category_of([&] {
              Guidance(short_answer, context_of({1, 2}), context_of({1, 2}), 7)(kTwoImages, 3);
            }),
            ErrorCategory::model);
}

}  // namespace
}  // namespace safelight
