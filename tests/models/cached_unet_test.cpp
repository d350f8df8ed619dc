// What may be kept between the steps of a picture: the text's keys and values, and deep features.
#include "models/cached_unet.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "models/golden.h"
#include "models/random_checkpoint.h"
#include "models/stable_diffusion.h"
#include "models/test_backends.h"

namespace safelight::test {
namespace {

constexpr double kClose = 3e-5;  // as in golden_test.cpp

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.floats(), b.floats());
}

// The golden of a layout (tests/golden/reuse.py), and our networks.
class CachedUNetTest : public ::testing::Test {
 protected:
  Tensor golden(const std::string& name) const { return to_f32(file_.tensor(fmt::format("{}.{}", layout_, name))); }

  void open(const std::string& layout, const std::string& backend) {
    sd_.reset();
    layout_ = layout;
    backend_ = make_backend(backend);
    sd_ = std::make_unique<StableDiffusion>(StableDiffusion::open(random_file(read_layout(layout)), *backend_));
  }

  UNet& unet() const { return sd_->unet; }

  // Both images at one of the golden's two timesteps.
  std::vector<float> timesteps(std::size_t run) const {
    return std::vector<float>(2, golden("timesteps").floats()[run]);
  }

  SafeTensors file_ = SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/models/reuse.safetensors");
  std::string layout_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<StableDiffusion> sd_;
};

TEST_F(CachedUNetTest, AgreesWithDiffusersOnEveryLayoutAndBackend) {
  double worst = 0;
  for (const std::string layout : {"tiny", "uneven", "small-trunk"})
    for (const std::string& backend : backend_names()) {
      SCOPED_TRACE(layout + " on " + backend);
      open(layout, backend);
      const TextContext text = unet().prepare(golden("context"));
      CachedUNet cached(unet(), 2);
      for (std::size_t run = 0; run < 2; ++run) {
        const Tensor noise = cached(golden(fmt::format("{}.latents", run)), timesteps(run), {&text, 1});
        const double off = distance(noise, golden(fmt::format("{}.noise", run))).relative;
        EXPECT_LT(off, kClose) << run;
        worst = std::max(worst, off);
      }
    }
  RecordProperty("worst_relative", fmt::format("{:.1e}", worst));
}

TEST_F(CachedUNetTest, ATextIsReadOnceForAllSteps) {
  open("uneven", fastest_backend());  // two transformer blocks in a row
  const TextContext once = unet().prepare(golden("context"));
  EXPECT_EQ(once.texts(), 2);
  for (std::size_t run = 0; run < 2; ++run) {
    const Tensor x = golden(fmt::format("{}.latents", run));
    const Tensor anew = unet()(x, timesteps(run), unet().prepare(golden("context")));
    EXPECT_TRUE(same_bits(unet()(x, timesteps(run), once), anew)) << run;
  }
}

TEST_F(CachedUNetTest, EveryNthCallIsFull) {
  open("small-trunk", fastest_backend());
  const TextContext text = unet().prepare(golden("context"));
  const Tensor first = golden("0.latents"), x = golden("1.latents");
  for (const std::int64_t interval : {1, 2, 3}) {
    CachedUNet cached(unet(), interval);
    Tensor deep;
    for (int call = 0; call < 7; ++call) {
      // The features come from `first`, so that a shallow run on x shows.
      const bool full = call % interval == 0;
      const Tensor& input = full && interval > 1 ? first : x;
      const Tensor got = cached(input, timesteps(1), {&text, 1});
      const Tensor expected =
          full ? unet()(input, timesteps(1), text, &deep) : unet().shallow(input, timesteps(1), text, deep);
      EXPECT_TRUE(same_bits(got, expected)) << interval << " " << call;
      EXPECT_EQ(same_bits(got, unet()(input, timesteps(1), text)), full) << interval << " " << call;
    }
  }
}

// A batch of two in two parts, each with deep features of its own, is the same but for rounding.
TEST_F(CachedUNetTest, PartsMakeTheWhole) {
  open("small-trunk", fastest_backend());
  const Tensor texts = golden("context");
  const std::size_t half = texts.floats().size() / 2;
  const Shape shape{1, texts.dim(1), texts.dim(2)};
  const TextContext both = unet().prepare(texts);
  const std::vector<TextContext> parts{unet().prepare(Tensor::from(texts.floats().first(half), shape)),
                                       unet().prepare(Tensor::from(texts.floats().subspan(half), shape))};
  CachedUNet whole(unet(), 2), divided(unet(), 2);
  for (std::size_t run = 0; run < 2; ++run) {
    const Tensor x = golden(fmt::format("{}.latents", run));
    const Tensor expected = whole(x, timesteps(run), {&both, 1});
    EXPECT_LT(distance(divided(x, timesteps(run), parts), expected).relative, 1e-5) << run;
  }
}

TEST_F(CachedUNetTest, AnotherBatchOrSizeIsAFullRunAndTheCountBeginsAnew) {
  open("small-trunk", fastest_backend());
  const TextContext two = unet().prepare(golden("context"));
  const Tensor x = golden("1.latents"), half = Tensor::from(x.floats().first(9 * 13 * 4), {1, 9, 13, 4});
  const Tensor turned = x.reshaped({2, 13, 9, 4});
  const Tensor texts = golden("context");
  const TextContext one =
      unet().prepare(Tensor::from(texts.floats().first(texts.floats().size() / 2), {1, texts.dim(1), texts.dim(2)}));
  CachedUNet cached(unet(), 3);
  const auto is_full = [&](const Tensor& input, const TextContext& text, float timestep) {
    const std::vector<float> t(static_cast<std::size_t>(input.dim(0)), timestep);
    return same_bits(cached(input, t, {&text, 1}), unet()(input, t, text));
  };
  EXPECT_TRUE(is_full(x, two, 900));
  EXPECT_FALSE(is_full(x, two, 800));
  EXPECT_TRUE(is_full(half, one, 700));  // and the third call of the first count
  EXPECT_FALSE(is_full(half, one, 600));
  EXPECT_FALSE(is_full(half, one, 500));
  EXPECT_TRUE(is_full(half, one, 400));
  EXPECT_TRUE(is_full(x, two, 300));
  EXPECT_TRUE(is_full(turned, two, 200));
}

}  // namespace
}  // namespace safelight::test
