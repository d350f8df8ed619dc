// Classifier-free guidance: what the network is asked, and what is made of its answer.
#include "diffusion/guidance.h"

#include <gmock/gmock.h>

#include <cmath>

#include "diffusion/repeated.h"
#include "safelight/error.h"

namespace safelight {
namespace {

using testing::Each;
using testing::ElementsAre;

std::vector<float> values(const Tensor& t) { return {t.floats().begin(), t.floats().end()}; }

// Answers x + 10 * (the number that stands for the text of each image), and remembers what it was asked.
struct ToyNetwork {
  Network following(std::vector<float> texts) {
    return [this, texts = std::move(texts)](const Tensor& x, std::span<const float> t) {
      EXPECT_EQ(x.dim(0), std::ssize(texts));
      images.push_back(x.dim(0));
      timesteps.assign(t.begin(), t.end());
      Tensor y = Tensor::allocate(DType::F32, x.shape());
      const auto image_size = x.floats().size() / texts.size();
      for (std::size_t i = 0; i < y.floats().size(); ++i)
        y.mutable_floats()[i] = x.floats()[i] + 10 * texts[i / image_size];
      return y;
    };
  }
  std::vector<std::int64_t> images;  // of each call
  std::vector<float> timesteps;      // of the last call
};

const Tensor kTwoImages = Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 1, 1, 2});

TEST(Guidance, MovesFromTheNegativePromptToThePrompt) {
  ToyNetwork network;
  const Guidance guidance(network.following({0.5f, -1, 1, 2}), {}, {7.5f});
  // u = x + 10 * negative, c = x + 10 * prompt
  EXPECT_THAT(values(guidance(kTwoImages, 41.625f)), ElementsAre(43.5f, 44.5f, 218, 219));
  EXPECT_THAT(network.images, ElementsAre(4)) << "both sides are one batch";
  EXPECT_EQ(network.timesteps.size(), 4u);
  EXPECT_THAT(network.timesteps, Each(41.625f));
}

TEST(Guidance, OfOneAsksForThePromptAlone) {
  ToyNetwork network;
  const Guidance guidance({}, network.following({1, 2}), {1});
  EXPECT_THAT(values(guidance(kTwoImages, 3)), ElementsAre(11, 12, 23, 24));
  EXPECT_THAT(network.images, ElementsAre(2));
  EXPECT_THAT(network.timesteps, ElementsAre(3, 3));
}

TEST(Guidance, OfZeroIsTheNegativePrompt) {
  ToyNetwork network;
  const Guidance guidance(network.following({0.5f, -1, 1, 2}), {}, {0});
  EXPECT_THAT(values(guidance(kTwoImages, 3)), ElementsAre(6, 7, -7, -6));
}

TEST(Guidance, OutsideItsRangeIsThePromptAlone) {
  ToyNetwork network;
  const Guidance guidance(network.following({0.5f, -1, 1, 2}), network.following({1, 2}), {0},
                          {.lowest = 200.5f, .highest = 600});
  for (const float inside : {200.5f, 300.0f, 600.0f})
    EXPECT_THAT(values(guidance(kTwoImages, inside)), ElementsAre(6, 7, -7, -6)) << inside;
  for (const float outside : {0.0f, 200.25f, 600.0625f, 999.0f})
    EXPECT_THAT(values(guidance(kTwoImages, outside)), ElementsAre(11, 12, 23, 24)) << outside;
  EXPECT_THAT(network.images, ElementsAre(4, 4, 4, 2, 2, 2, 2));
}

// u + s_1 (c_1 - u) + s_2 (c_2 - c_1), the order of the batch being u, c_1, c_2.
TEST(Guidance, WithTwoScalesMovesFromAnswerToAnswer) {
  ToyNetwork network;
  const Guidance guidance(network.following({0, 0, 1, 1, 3, 3}), network.following({3, 3}), {1.5f, 4});
  // 10 * (0 + 1.5 * (1 - 0) + 4 * (3 - 1)) = 95
  EXPECT_THAT(values(guidance(kTwoImages, 5)), ElementsAre(96, 97, 98, 99));
  EXPECT_THAT(network.images, ElementsAre(6));
  const Guidance none(network.following({0, 0, 1, 1, 3, 3}), network.following({3, 3}), {1, 1});
  EXPECT_THAT(values(none(kTwoImages, 5)), ElementsAre(31, 32, 33, 34));
  EXPECT_THAT(network.images, ElementsAre(6, 2)) << "with both scales 1, the last answer alone";
}

TEST(Repeated, TheBatchesFollowEachOther) {
  const Tensor twice = repeated(kTwoImages, 2);
  EXPECT_EQ(twice.shape(), (Shape{4, 1, 1, 2}));
  EXPECT_THAT(values(twice), ElementsAre(1, 2, 3, 4, 1, 2, 3, 4));
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
  EXPECT_EQ(category_of([] { Guidance({}, {}, {std::nanf("")}); }), ErrorCategory::usage);
  EXPECT_EQ(category_of([] { Guidance({}, {}, {HUGE_VALF}); }), ErrorCategory::usage);
  const auto short_answer = [](const Tensor&, std::span<const float>) {
    return Tensor::from(std::vector<float>{1}, {1});
  };
  EXPECT_EQ(category_of([&] { Guidance(short_answer, {}, {7})(kTwoImages, 3); }), ErrorCategory::model);
  EXPECT_EQ(category_of([&] { Guidance({}, short_answer, {1})(kTwoImages, 3); }), ErrorCategory::model);
}

}  // namespace
}  // namespace safelight
