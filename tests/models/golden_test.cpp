// Our networks against diffusers' and transformers', on the same random weights.
#include "models/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <ostream>

#include "models/random_checkpoint.h"
#include "models/test_backends.h"

namespace safelight::testing {
namespace {

// The measured distances are 1e-6 to 8e-6: float32 sums in another order. A wrong epsilon or sign is far beyond.
constexpr double kClose = 3e-5;

struct Case {
  std::string layout, backend;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.layout << " on " << c.backend; }

class GoldenTest : public ::testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Backend> backend_ = make_backend(GetParam().backend);
  StableDiffusion sd_ = StableDiffusion::open(random_file(read_layout(GetParam().layout)), *backend_);
  Golden golden_{SafeTensors::open(std::string(SAFELIGHT_SOURCE_DIR) + "/tests/data/models/" + GetParam().layout +
                                   ".safetensors")};
};

TEST_P(GoldenTest, TextEmbeddings) { EXPECT_LT(golden_.text(sd_.text_encoder).max_abs, 2e-5); }

TEST_P(GoldenTest, Unet) {
  // 16x16; sides that are odd on every level; 77, 10 and 154 tokens of text.
  for (const char* name : {"unet.0", "unet.1", "unet.2"})
    EXPECT_LT(golden_.unet(sd_.unet, name).relative, kClose) << name;
}

TEST_P(GoldenTest, VaeDecoder) {
  for (const char* name : {"vae.0", "vae.1"}) {
    const Distance off = golden_.decode(sd_.vae_decoder, name);
    EXPECT_LT(off.relative, kClose) << name;
    EXPECT_GT(off.psnr, 100) << name;
  }
}

TEST_P(GoldenTest, VaeEncoder) {
  for (const char* name : {"vae.0", "vae.1"}) {
    EXPECT_LT(golden_.mean(sd_.vae_encoder, name).relative, kClose) << name;
    EXPECT_LT(golden_.log_variance(sd_.vae_encoder, name).relative, kClose) << name;
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
}  // namespace safelight::testing
