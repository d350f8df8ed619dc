// Folders as diffusers writes them.
#include "library/diffusers_folder.h"

#include <gmock/gmock.h>

#include "library/examine.h"
#include "library/library.h"
#include "library/models_folder.h"
#include "support/expect_error.h"

namespace safelight::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const File kUNet = {{"conv_in.weight", {1, 4, 3, 3}},
                    {"down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", {1, 1024}}};
const File kVae = {{"decoder.conv_in.weight", {1, 4, 3, 3}}, {"encoder.conv_in.weight", {1, 3, 3, 3}}};
const File kText = {{"text_model.embeddings.token_embedding.weight", {1, 1024}}};

class DiffusersFolderTest : public ::testing::Test {
 protected:
  DiffusersFolderTest() {
    folder_.add_text("m/model_index.json", R"({"_class_name":"StableDiffusionPipeline","unet":["diffusers","x"]})");
    folder_.add_text("m/scheduler/scheduler_config.json",
                     R"({"prediction_type":"v_prediction","rescale_betas_zero_snr":true})");
    folder_.add("m/unet/diffusion_pytorch_model.safetensors", kUNet);
    folder_.add("m/unet/diffusion_pytorch_model.fp16.safetensors", {{"other", {1}}});
    folder_.add("m/text_encoder/model.fp16.safetensors", kText);
    folder_.add("m/vae/diffusion_pytorch_model.safetensors", kVae);
  }

  ModelsFolder folder_;
};

TEST_F(DiffusersFolderTest, IsOneModel) {
  const std::filesystem::path root = folder_.path();
  const auto entries = list_models({&root, 1});
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].name(), "m");
  EXPECT_EQ(entries[0].problem(), "");
  const Recognition& found = entries[0].examined.recognition;
  EXPECT_EQ(found.what, "a Stable Diffusion 2 checkpoint that predicts v");
  EXPECT_EQ(found.evidence, "prediction_type is v_prediction in scheduler/scheduler_config.json");
  EXPECT_TRUE(found.zero_terminal_snr);
  EXPECT_THAT(found.lacks, ElementsAre());
  EXPECT_EQ(found.parts.at(1).name, "text encoder OpenCLIP ViT-H/14");
  EXPECT_EQ(found.facts.back().claim, "was saved as StableDiffusionPipeline");
}

TEST_F(DiffusersFolderTest, SaysWhatCannotBeUsed) {
  std::filesystem::remove(folder_ / "m/text_encoder/model.fp16.safetensors");
  folder_.add_text("m/text_encoder/pytorch_model.bin", "x");
  folder_.add_text("m/vae/diffusion_pytorch_model.safetensors", "broken");
  folder_.add_text("m/scheduler/scheduler_config.json", "[");
  const Recognition found = examine(folder_ / "m").recognition;
  EXPECT_EQ(found.what, "a Stable Diffusion 2 checkpoint, the UNet alone");
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("text_encoder: only pickles"), HasSubstr("vae: "),
                                       HasSubstr("expected a JSON object")));
}

TEST_F(DiffusersFolderTest, WithoutNetworksIsAProblem) {
  folder_.add_text("empty/model_index.json", "{}");
  EXPECT_THAT(examine(folder_ / "empty").problem, HasSubstr("none of its networks can be opened"));
}

TEST_F(DiffusersFolderTest, ShardsOfANetworkAreReadByTheirIndex) {
  folder_.add("m/unet/a.safetensors", kUNet);
  folder_.add_text("m/unet/diffusion_pytorch_model.safetensors.index.json",
                   R"({"weight_map":{"conv_in.weight":"a.safetensors",)"
                   R"("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight":"a.safetensors"}})");
  std::filesystem::remove(folder_ / "m/unet/diffusion_pytorch_model.safetensors");
  EXPECT_EQ(examine(folder_ / "m").recognition.base, "Stable Diffusion 2");
}

TEST_F(DiffusersFolderTest, RefusesAnIndexThatIsNone) {
  for (const char* text : {"", "[]", "{\"a\":", "\xff"}) {
    folder_.add_text("m/model_index.json", text);
    EXPECT_ERROR(open_diffusers_folder(folder_ / "m"), format, "expected a JSON object");
  }
  folder_.add_text("m/model_index.json", std::string(2000, '[') + std::string(2000, ']'));
  EXPECT_ERROR(open_diffusers_folder(folder_ / "m"), format, "expected a JSON object");
  folder_.add_text("m/model_index.json", std::string((1 << 20) + 1, ' '));
  EXPECT_ERROR(open_diffusers_folder(folder_ / "m"), limit, "at most");
  EXPECT_THAT(examine(folder_ / "m").problem, HasSubstr("at most"));
}

}  // namespace
}  // namespace safelight::test
