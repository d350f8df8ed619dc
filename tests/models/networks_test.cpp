// What the networks do with their arguments, and what holds for any weights.

#include <gtest/gtest.h>

#include "models/random_checkpoint.h"
#include "models/stable_diffusion.h"
#include "models/test_backends.h"
#include "safelight/error.h"

namespace safelight::test {
namespace {

class NetworksTest : public ::testing::Test {
 protected:
  static Tensor zeros(Shape shape) {
    Tensor t = Tensor::allocate(DType::F32, std::move(shape));
    for (float& value : t.mutable_floats()) value = 0;
    return t;
  }

  template <class Call>
  static ErrorCategory category_of(Call call) {
    try {
      call();
    } catch (const Error& e) {
      return e.category();
    }
    ADD_FAILURE() << "no error";
    return ErrorCategory::usage;
  }

  Context context() const {
    Context result;
    result.cancel = &cancel_;
    return result;
  }

  CancelToken cancel_;
  std::unique_ptr<Backend> backend_ = make_backend(fastest_backend(), context());
  StableDiffusion sd_ = StableDiffusion::open(random_file(read_layout("small-trunk")), *backend_);
};

TEST_F(NetworksTest, ChecksArguments) {
  const float timesteps[] = {1.0f, 2.0f};
  const Tensor x = zeros({2, 4, 4, 4}), text = zeros({2, 77, 64});
  Tensor deep;
  EXPECT_EQ(sd_.unet(x, timesteps, sd_.unet.prepare(text), &deep).shape(), (Shape{2, 4, 4, 4}));
  EXPECT_EQ(sd_.unet.shallow(x, timesteps, sd_.unet.prepare(text), deep).shape(), (Shape{2, 4, 4, 4}));
  const auto refused = [&](const Tensor& latents, std::span<const float> t, const Tensor& context) {
    return category_of([&] { sd_.unet(latents, t, sd_.unet.prepare(context)); }) == ErrorCategory::model &&
           category_of([&] { sd_.unet.shallow(latents, t, sd_.unet.prepare(context), deep); }) == ErrorCategory::model;
  };
  EXPECT_TRUE(refused(zeros({2, 4, 4, 5}), timesteps, text));
  EXPECT_TRUE(refused(zeros({4, 4, 4}), timesteps, text));
  EXPECT_TRUE(refused(x, std::span(timesteps).first(1), text));
  EXPECT_TRUE(refused(x, timesteps, zeros({1, 77, 64})));
  EXPECT_TRUE(refused(x, timesteps, zeros({2, 77, 65})));
  EXPECT_EQ(category_of([&] { sd_.unet(x, timesteps, {}); }), ErrorCategory::model);
  for (const Tensor& other : {Tensor(), zeros({2, 4, 5, 32}), zeros({1, 4, 4, 32}), zeros({2, 4, 4, 33})})
    EXPECT_EQ(category_of([&] { sd_.unet.shallow(x, timesteps, sd_.unet.prepare(text), other); }),
              ErrorCategory::model);
  const std::vector<std::int32_t> ids(77, 1000);
  EXPECT_EQ(category_of([&] { sd_.text_encoders[0](ids, 1); }), ErrorCategory::model);  // 1000 words: ids to 999
  EXPECT_EQ(category_of([&] { sd_.text_encoders[0](std::span(ids).first(76), 1); }), ErrorCategory::model);
  EXPECT_EQ(category_of([&] { sd_.vae_encoder(zeros({1, 3, 4, 3})); }), ErrorCategory::model);
}

TEST_F(NetworksTest, StopsWhenCancelled) {
  const TextContext text = sd_.unet.prepare(zeros({1, 77, 64}));
  cancel_.cancel();
  const float timesteps[] = {1.0f};
  EXPECT_EQ(category_of([&] { sd_.unet(zeros({1, 4, 4, 4}), timesteps, text); }), ErrorCategory::cancelled);
  EXPECT_EQ(category_of([&] { sd_.vae_decoder(zeros({1, 4, 4, 4})); }), ErrorCategory::cancelled);
}

// Each answer belongs to its own image, timestep and text alone.
TEST_F(NetworksTest, ABatchIsItsPartsSideBySide) {
  Tensor x = zeros({2, 3, 4, 4}), text = zeros({2, 5, 64});
  for (std::size_t i = 0; i < x.mutable_floats().size(); ++i) x.mutable_floats()[i] = static_cast<float>(i % 7) - 3;
  for (std::size_t i = 0; i < text.mutable_floats().size(); ++i)
    text.mutable_floats()[i] = static_cast<float>(i % 5) - 2;
  const float timesteps[] = {900.0f, 1.0f};
  const Tensor both = sd_.unet(x, timesteps, sd_.unet.prepare(text));
  for (std::size_t n = 0; n < 2; ++n) {
    const Tensor one_x = Tensor::from(x.floats().subspan(n * 48, 48), {1, 3, 4, 4});
    const Tensor one_text = Tensor::from(text.floats().subspan(n * 320, 320), {1, 5, 64});
    const Tensor one = sd_.unet(one_x, std::span(timesteps).subspan(n, 1), sd_.unet.prepare(one_text));
    for (std::size_t i = 0; i < 48; ++i) EXPECT_NEAR(one.floats()[i], both.floats()[n * 48 + i], 1e-5);
  }
}

}  // namespace
}  // namespace safelight::test
