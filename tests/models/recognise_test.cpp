// What a file is said to be, and on what evidence, when it is not a checkpoint that can be opened.
#include "models/recognise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "models/random_checkpoint.h"

namespace safelight::test {
namespace {

constexpr const char* kFirstConv = "model.diffusion_model.input_blocks.0.0.weight";
constexpr const char* kToK = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";

struct Case {
  std::vector<TensorRecipe> tensors;
  std::string what, evidence;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.what << " by " << c.evidence; }

TensorRecipe tensor(std::string name, Shape shape) { return {.name = std::move(name), .shape = std::move(shape)}; }

class RecogniseTest : public ::testing::TestWithParam<Case> {};

TEST_P(RecogniseTest, SaysWhatItIsAndWhy) {
  const Recognition found = recognise(random_file(GetParam().tensors));
  EXPECT_THAT(found.what, ::testing::StartsWith(GetParam().what));
  EXPECT_EQ(found.evidence, GetParam().evidence);
}

INSTANTIATE_TEST_SUITE_P(
    Files, RecogniseTest,
    ::testing::Values(
        Case{{tensor("lora_unet_mid_block.alpha", {}), tensor("lora_unet_mid_block.lora_down.weight", {4, 32})},
             "a LoRA",
             "tensor lora_unet_mid_block.lora_down.weight F16 [4, 32]"},
        Case{{tensor("unet.down_blocks.0.to_q.lora_A.weight", {4, 32})},
             "a LoRA",
             "tensor unet.down_blocks.0.to_q.lora_A.weight F16 [4, 32]"},
        Case{{tensor("lora_te_x.hada_w1_a", {4, 32})},
             "a LoHa (a kind of LoRA)",
             "tensor lora_te_x.hada_w1_a F16 [4, 32]"},
        Case{{tensor("control_model.input_blocks.0.0.weight", {32, 4, 3, 3})},
             "a ControlNet",
             "tensor control_model.input_blocks.0.0.weight F16 [32, 4, 3, 3]"},
        Case{{tensor(kFirstConv, {32, 4, 3, 3}), tensor("control_model.zero_convs.0.0.weight", {32, 32, 1, 1})},
             "a ControlNet",
             "tensor control_model.zero_convs.0.0.weight F16 [32, 32, 1, 1]"},
        Case{{tensor("emb_params", {2, 768})}, "a textual inversion", "tensor emb_params F16 [2, 768]"},
        Case{{tensor("<cat-toy>", {768})}, "a textual inversion", "tensor <cat-toy> F16 [768]"},
        Case{{tensor("encoder.conv_in.weight", {32, 3, 3, 3})},
             "a VAE",
             "tensor encoder.conv_in.weight F16 [32, 3, 3, 3]"},
        Case{{tensor("first_stage_model.decoder.conv_in.weight", {32, 4, 3, 3})},
             "a VAE",
             "tensor first_stage_model.decoder.conv_in.weight F16 [32, 4, 3, 3]"},
        Case{{tensor("down_blocks.0.resnets.0.conv1.weight", {32, 32, 3, 3})},
             "a UNet in the folder layout of diffusers",
             "tensor down_blocks.0.resnets.0.conv1.weight F16 [32, 32, 3, 3]"},
        Case{{tensor("model.diffusion_model.double_blocks.0.img_attn.proj.weight", {32, 32})},
             "a Flux model",
             "tensor model.diffusion_model.double_blocks.0.img_attn.proj.weight F16 [32, 32]"},
        Case{{tensor("text_model.embeddings.token_embedding.weight", {10, 32})},
             "a text encoder",
             "tensor text_model.embeddings.token_embedding.weight F16 [10, 32]"},
        Case{{tensor(kFirstConv, {32, 9, 3, 3}), tensor(kToK, {32, 768})},
             "a Stable Diffusion 1 inpainting model",
             "tensor model.diffusion_model.input_blocks.0.0.weight F16 [32, 9, 3, 3]"},
        Case{{tensor(kFirstConv, {32, 9, 3, 3}), tensor(kToK, {32, 1024})},
             "a Stable Diffusion 2 inpainting model",
             "tensor model.diffusion_model.input_blocks.0.0.weight F16 [32, 9, 3, 3]"},
        Case{{tensor(kFirstConv, {32, 8, 3, 3})},
             "a Stable Diffusion 1 edit model (InstructPix2Pix)",
             "tensor model.diffusion_model.input_blocks.0.0.weight F16 [32, 8, 3, 3]"},
        Case{{tensor(kFirstConv, {32, 5, 3, 3}), tensor(kToK, {32, 1024})},
             "a depth-to-image model (Stable Diffusion 2)",
             "tensor model.diffusion_model.input_blocks.0.0.weight F16 [32, 5, 3, 3]"},
        Case{{tensor(kFirstConv, {32, 4, 3, 3}), tensor(kToK, {32, 1024})},
             "a Stable Diffusion 2 checkpoint",
             std::string("tensor ") + kToK + " F16 [32, 1024]"},
        Case{{tensor(kFirstConv, {32, 4, 3, 3}),
              tensor("cond_stage_model.model.transformer.resblocks.0.ln_1.bias", {64})},
             "a Stable Diffusion 2 checkpoint",
             "tensor cond_stage_model.model.transformer.resblocks.0.ln_1.bias F16 [64]"},
        Case{{tensor(kFirstConv, {32, 4, 3, 3}), tensor("model.diffusion_model.label_emb.0.0.weight", {128, 2816})},
             "a Stable Diffusion XL checkpoint",
             "tensor model.diffusion_model.label_emb.0.0.weight F16 [128, 2816]"},
        Case{{tensor(kFirstConv, {384, 4, 3, 3}), tensor("model.diffusion_model.label_emb.0.0.weight", {128, 2560})},
             "a Stable Diffusion XL refiner",
             "tensor model.diffusion_model.label_emb.0.0.weight F16 [128, 2560]"},
        Case{{tensor(kFirstConv, {32, 4, 3, 3}), tensor(kToK, {32, 64})},
             "a Stable Diffusion 1 checkpoint without its text encoder, VAE decoder, VAE encoder",
             std::string("tensor ") + kFirstConv + " F16 [32, 4, 3, 3]"},
        Case{{}, "a file without tensors", "its header names none"},
        Case{{tensor("a\x7F"
                     "b",
                     {2, 2}),
              tensor("c", {1})},
             "of an unknown kind",
             "no tensor model.diffusion_model.input_blocks.0.0.weight; the first of 2 is tensor a?b F16 [2, 2]"}));

TEST(Recognise, KnowsStableDiffusion1) {
  const Recognition found = recognise(random_file(read_layout("small-trunk")));
  EXPECT_TRUE(found.family == Family::sd1 && found.lacks.empty()) << found.what << ", " << found.evidence;
}

TEST(Recognise, SaysWhatIsPredicted) {
  const SafeTensors file = random_file(read_layout("small-trunk"), {{"modelspec.prediction_type", "v"}});
  EXPECT_EQ(recognise(file).prediction, Prediction::v);
  EXPECT_EQ(recognise(file).evidence, "modelspec.prediction_type is v");
}

}  // namespace
}  // namespace safelight::test
