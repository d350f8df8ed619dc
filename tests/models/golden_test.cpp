// Our networks against diffusers' and transformers', on the same random weights.
#include "models/golden.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <ostream>

#include "models/random_checkpoint.h"
#include "models/test_backends.h"

namespace safelight::test {
namespace {

// The measured distances are 1e-6 to 8e-6: float32 sums in another order. A wrong epsilon or sign is far beyond.
constexpr double kClose = 3e-5;

struct Case {
  std::string layout, backend;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.layout << " on " << c.backend; }

class GoldenTest : public ::testing::TestWithParam<Case> {};

TEST_P(GoldenTest, IsMet) {
  const auto& [layout, backend_name] = GetParam();
  const auto backend = make_backend(backend_name);
  StableDiffusion sd = StableDiffusion::open(random_file(read_layout(layout)), *backend);
  const Golden golden(
      SafeTensors::open(fmt::format("{}/tests/data/models/{}.safetensors", SAFELIGHT_SOURCE_DIR, layout)));

  EXPECT_LT(golden.text(sd.text_encoders[0]).embeddings.max_abs, 2e-5);
  // 8x16; sides that are odd on every level; 77, 10 and 154 tokens of text.
  for (const char* name : {"unet.0", "unet.1", "unet.2"})
    EXPECT_LT(golden.unet(sd.unet, name).relative, kClose) << name;
  for (const char* name : {"vae.0", "vae.1"}) {
    const Distance picture = golden.decode(sd.vae_decoder, name);
    EXPECT_LT(picture.relative, kClose) << name;
    EXPECT_GT(picture.psnr, 100) << name;
    const Golden::Encoded encoded = golden.encode(sd.vae_encoder, name);
    EXPECT_LT(encoded.mean.relative, kClose) << name;
    EXPECT_LT(encoded.log_variance.relative, kClose) << name;
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* layout : {"tiny", "uneven", "small-trunk"})
    for (const std::string& backend : backend_names()) all.push_back({layout, backend});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Layouts, GoldenTest, ::testing::ValuesIn(cases()), [](const auto& test) {
  std::string name = test.param.layout + "_" + test.param.backend;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
});

}  // namespace
}  // namespace safelight::test
