#include "models/followed_texts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "models/random_checkpoint.h"
#include "models/stable_diffusion.h"
#include "models/test_backends.h"
#include "safelight/error.h"

namespace safelight::test {
namespace {

// Texts of 2 tokens and 3 channels, each of one value.
Tensor texts_of(const std::vector<float>& values) {
  Tensor t = Tensor::allocate(DType::F32, {std::ssize(values), 2, 3});
  float* to = t.mutable_floats().data();
  for (const float value : values) to = std::fill_n(to, 6, value);
  return t;
}

std::vector<float> values(const Tensor& t) { return {t.floats().begin(), t.floats().end()}; }

class FollowedTextsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Backend> backend_ = make_backend(fastest_backend(), {});
};

TEST_F(FollowedTextsTest, GivesEveryImageItsText) {
  const FollowedTexts texts(texts_of({4, 5}), std::vector<std::int64_t>{kBlankText, 0, 1, 0, kBlankText}, *backend_);
  EXPECT_EQ(texts.images(), 5);
  EXPECT_EQ(values(texts.of_images(texts_of({40, 50}))), values(texts_of({0, 40, 50, 40, 0})));
}

TEST_F(FollowedTextsTest, NothingIsCopiedWhereEachHasItsOwn) {
  const Tensor made = texts_of({10, 20});
  for (const std::vector<std::int64_t>& rows : {std::vector<std::int64_t>{}, {0, 1}}) {
    const FollowedTexts texts(texts_of({1, 2}), rows, *backend_);
    EXPECT_EQ(texts.images(), 2);
    EXPECT_EQ(texts.of_images(made).data(), made.data());
  }
}

TEST_F(FollowedTextsTest, RefusesRowsThatAreNotThere) {
  for (const std::int64_t row : {-2, 2})
    EXPECT_THROW(FollowedTexts(texts_of({1, 2}), std::vector<std::int64_t>{0, row}, *backend_), Error);
}

TEST_F(FollowedTextsTest, ARehearsalTouchesNothing) {
  const auto work = [&] {
    const FollowedTexts texts(backend_->empty({2, 2, 3}), std::vector<std::int64_t>{1, kBlankText, 1}, *backend_);
    EXPECT_EQ(texts.of_images(backend_->empty({2, 2, 5})).shape(), (Shape{3, 2, 5}));
  };
  EXPECT_GT(backend_->rehearse(work).peak_bytes, 0u);
}

// A picture's result has the same bits whether its text was read for it alone, with others, or left out as zeros.
TEST_F(FollowedTextsTest, PicturesDoNotSeeTheDifference) {
  StableDiffusion sd = StableDiffusion::open(random_file(read_layout("small-trunk")), *backend_);
  const std::int64_t tokens = 7, width = sd.unet.context_width(), size = tokens * width;
  const auto text = [&](std::initializer_list<float> starts) {
    Tensor t = Tensor::allocate(DType::F32, {std::ssize(starts), tokens, width});
    float* to = t.mutable_floats().data();
    for (const float start : starts)
      for (std::int64_t i = 0; i < size; ++i) *to++ = start * static_cast<float>(i % 13 - 6);
    return t;
  };
  const auto step = [&](const Tensor& context, const std::vector<std::int64_t>& rows) {
    const std::size_t images = rows.empty() ? static_cast<std::size_t>(context.dim(0)) : rows.size();
    Tensor x = Tensor::allocate(DType::F32, {static_cast<std::int64_t>(images), 4, 4, 4});
    for (std::size_t i = 0; float& value : x.mutable_floats()) value = static_cast<float>(i++ % 64) / 64 - 0.5f;
    return values(sd.unet(x, std::vector<float>(images, 500.0f), sd.unet.prepare(context, {}, rows)));
  };
  const std::vector<float> each = step(text({0.1f, 0, 0.2f, 0.1f}), {});
  EXPECT_EQ(step(text({0.2f, 0.1f}), {1, kBlankText, 0, 1}), each);
  EXPECT_NE(step(text({0.2f, 0.1f}), {1, 1, 0, 1}), each);
}

}  // namespace
}  // namespace safelight::test
