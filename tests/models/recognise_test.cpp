// What a list of tensors is said to be, and on what evidence. Names and shapes are those of published files.
#include "models/recognise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "models/random_checkpoint.h"

namespace safelight::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TensorInfo tensor(std::string name, std::vector<std::uint64_t> shape, DType dtype = DType::F16) {
  TensorInfo info{.name = std::move(name), .dtype = dtype, .shape = std::move(shape)};
  std::uint64_t elements = 1;
  for (const std::uint64_t size : info.shape) elements *= size;
  info.end = elements * 2;
  return info;
}
using Tensors = std::vector<TensorInfo>;

Tensors operator+(Tensors a, const Tensors& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr const char* kLdm = "model.diffusion_model.";
constexpr const char* kToK = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";
constexpr const char* kBias = "output_blocks.11.1.transformer_blocks.0.norm1.bias";

// The tensors by which UNets differ.
Tensors unet(const std::string& prefix, std::uint64_t inputs, std::uint64_t text, std::uint64_t width = 320) {
  return {tensor(prefix + "input_blocks.0.0.weight", {width, inputs, 3, 3}), tensor(prefix + kToK, {width, text}),
          text == 768 ? tensor(prefix + "input_blocks.1.1.proj_in.weight", {width, width, 1, 1})
                      : tensor(prefix + "input_blocks.1.1.proj_in.weight", {width, width})};
}
Tensors label(const std::string& prefix, std::uint64_t vector) {
  return {tensor(prefix + "label_emb.0.0.weight", {1280, vector})};
}
Tensors vae() {
  return {tensor("first_stage_model.decoder.conv_in.weight", {512, 4, 3, 3}),
          tensor("first_stage_model.encoder.conv_in.weight", {128, 3, 3, 3})};
}
Tensors clip_l(const std::string& prefix = "cond_stage_model.transformer.") {
  return {tensor(prefix + "text_model.embeddings.token_embedding.weight", {49408, 768})};
}
Tensors sd1(std::uint64_t inputs = 4) { return unet(kLdm, inputs, 768) + clip_l() + vae(); }
Tensors sd2(std::uint64_t inputs = 4) {
  return unet(kLdm, inputs, 1024) + Tensors{tensor("cond_stage_model.model.token_embedding.weight", {49408, 1024})} +
         vae();
}
Tensors sdxl(std::uint64_t inputs = 4) {
  return unet(kLdm, inputs, 2048) + label(kLdm, 2816) + clip_l("conditioner.embedders.0.transformer.") +
         Tensors{tensor("conditioner.embedders.1.model.token_embedding.weight", {49408, 1280})} + vae();
}
Tensors refiner() {
  return unet(kLdm, 4, 1280, 384) + label(kLdm, 2560) +
         Tensors{tensor("conditioner.embedders.0.model.token_embedding.weight", {49408, 1280})} + vae();
}
// As diffusers calls them, each network in a folder of its own.
Tensors diffusers_unet(const std::string& prefix, std::uint64_t text) {
  return {tensor(prefix + "conv_in.weight", {320, 4, 3, 3}),
          tensor(prefix + "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", {320, text})};
}

Recognition recognised(const Tensors& tensors, const Metadata& metadata = {}) {
  return recognise(Inventory{.tensors = tensors, .metadata = &metadata});
}

struct Case {
  Tensors tensors;
  std::string what, evidence;
  Metadata metadata{};
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.what << " by " << c.evidence; }

class RecogniseTest : public ::testing::TestWithParam<Case> {};

TEST_P(RecogniseTest, SaysWhatItIsAndWhy) {
  const Recognition found = recognised(GetParam().tensors, GetParam().metadata);
  EXPECT_EQ(found.what, GetParam().what);
  EXPECT_EQ(found.evidence, GetParam().evidence);
}

const std::string kConvOf = std::string("tensor ") + kLdm + "input_blocks.0.0.weight F16 ";
const std::string kToKOf = std::string("tensor ") + kLdm + kToK + " F16 ";
const std::string kLabelOf = std::string("tensor ") + kLdm + "label_emb.0.0.weight F16 ";

INSTANTIATE_TEST_SUITE_P(
    Checkpoints, RecogniseTest,
    ::testing::Values(
        Case{sd1(), "a Stable Diffusion 1 checkpoint", kToKOf + "[320, 768]"},
        Case{sd1(9), "a Stable Diffusion 1 inpainting model", kConvOf + "[320, 9, 3, 3]"},
        Case{sd1(8), "a Stable Diffusion 1 edit model (InstructPix2Pix)", kConvOf + "[320, 8, 3, 3]"},
        Case{sd2(), "a Stable Diffusion 2 checkpoint", kToKOf + "[320, 1024]"},
        Case{sd2(9), "a Stable Diffusion 2 inpainting model", kConvOf + "[320, 9, 3, 3]"},
        Case{sd2(5), "a depth-to-image model (Stable Diffusion 2)", kConvOf + "[320, 5, 3, 3]"},
        Case{sd2(7), "a 4x upscaler (Stable Diffusion 2)", kConvOf + "[320, 7, 3, 3]"},
        Case{sd2() + label(kLdm, 2048), "an unCLIP model (Stable Diffusion 2)", kLabelOf + "[1280, 2048]"},
        Case{sdxl(), "a Stable Diffusion XL checkpoint", kLabelOf + "[1280, 2816]"},
        Case{sdxl(9), "a Stable Diffusion XL inpainting model", kConvOf + "[320, 9, 3, 3]"},
        Case{sdxl(8), "a Stable Diffusion XL edit model (InstructPix2Pix)", kConvOf + "[320, 8, 3, 3]"},
        Case{refiner(), "a Stable Diffusion XL refiner",
             "tensor conditioner.embedders.0.model.token_embedding.weight F16 [49408, 1280]"},
        Case{sdxl() + Tensors{tensor("v_pred", {0}), tensor("ztsnr", {0})},
             "a Stable Diffusion XL checkpoint that predicts v", "tensor v_pred F16 [0]"},
        Case{sdxl() + Tensors{tensor("edm_mean", {4}), tensor("edm_std", {4})},
             "a Playground 2.5 model (Stable Diffusion XL with other noise levels)", "tensor edm_mean F16 [4]"},
        Case{sdxl() + Tensors{tensor("edm_vpred.sigma_max", {})},
             "a CosXL model (Stable Diffusion XL with other noise levels)", "tensor edm_vpred.sigma_max F16 []"},
        Case{sd1(8) + Tensors{tensor("cc_projection.weight", {768, 772})}, "a Zero123 model",
             "tensor cc_projection.weight F16 [768, 772]"},
        Case{sd1(10), "a UNet of an unknown kind", kConvOf + "[320, 10, 3, 3]"},
        Case{{tensor(std::string(kLdm) + "input_blocks.0.0.weight", {320, 4, 3, 3})},
             "a UNet of an unknown family",
             kConvOf + "[320, 4, 3, 3]"},
        Case{unet(kLdm, 4, 768) + vae(), "a Stable Diffusion 1 checkpoint without its text encoder",
             kToKOf + "[320, 768]"},
        Case{unet(kLdm, 4, 2048) + label(kLdm, 2816) + clip_l("conditioner.embedders.0.transformer."),
             "a Stable Diffusion XL checkpoint without its text encoder OpenCLIP ViT-bigG/14, VAE decoder, VAE encoder",
             kLabelOf + "[1280, 2816]"},
        Case{unet(kLdm, 4, 768), "a Stable Diffusion 1 checkpoint, the UNet alone", kToKOf + "[320, 768]"},
        Case{unet("", 4, 1024), "a Stable Diffusion 2 checkpoint, the UNet alone",
             std::string("tensor ") + kToK + " F16 [320, 1024]"},
        Case{unet("", 4, 1280, 384) + label("", 2560), "a Stable Diffusion XL refiner, the UNet alone",
             "tensor label_emb.0.0.weight F16 [1280, 2560]"},
        Case{diffusers_unet("", 768), "a Stable Diffusion 1 checkpoint, the UNet alone",
             "tensor down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight F16 [320, 768]"},
        Case{diffusers_unet("unet.", 2048) + Tensors{tensor("unet.add_embedding.linear_1.weight", {1280, 2816}),
                                                     tensor("text_encoder.text_model.x", {1}),
                                                     tensor("text_encoder_2.text_model.x", {1}),
                                                     tensor("vae.decoder.conv_in.weight", {512, 4, 3, 3}),
                                                     tensor("vae.encoder.conv_in.weight", {128, 3, 3, 3})},
             "a Stable Diffusion XL checkpoint", "tensor unet.add_embedding.linear_1.weight F16 [1280, 2816]"},
        Case{diffusers_unet("", 768) + Tensors{tensor("time_embedding.cond_proj.weight", {320, 256})},
             "a latent consistency model, which takes its guidance as an input",
             "tensor time_embedding.cond_proj.weight F16 [320, 256]"}));

// Widths that no published model has: then other names and the metadata tell.
INSTANTIATE_TEST_SUITE_P(
    UnusualWidths, RecogniseTest,
    ::testing::Values(
        Case{unet(kLdm, 4, 64, 32) + clip_l(), "a Stable Diffusion 1 checkpoint without its VAE decoder, VAE encoder",
             "tensor cond_stage_model.transformer.text_model.embeddings.token_embedding.weight F16 [49408, 768]"},
        Case{unet(kLdm, 4, 64, 32) + Tensors{tensor("cond_stage_model.model.ln_final.bias", {64})},
             "a Stable Diffusion 2 checkpoint without its VAE decoder, VAE encoder",
             "tensor cond_stage_model.model.ln_final.bias F16 [64]"},
        Case{unet("", 4, 64, 32), "a Stable Diffusion 2 checkpoint, the UNet alone",
             "tensor input_blocks.1.1.proj_in.weight F16 [32, 32]"},
        Case{unet("", 4, 64, 32),
             "a Stable Diffusion 1 checkpoint, the UNet alone",
             "modelspec.architecture is stable-diffusion-v1",
             {{"modelspec.architecture", "stable-diffusion-v1"}}},
        Case{unet("", 4, 128, 32) + label("", 64 + 6 * 256), "a Stable Diffusion XL checkpoint, the UNet alone",
             "tensor label_emb.0.0.weight F16 [1280, 1600]"},
        Case{unet("", 4, 64, 32) + label("", 64 + 5 * 256), "a Stable Diffusion XL refiner, the UNet alone",
             "tensor label_emb.0.0.weight F16 [1280, 1344]"}));

INSTANTIATE_TEST_SUITE_P(
    Loras, RecogniseTest,
    ::testing::Values(
        Case{{tensor("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.alpha", {}),
              tensor("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", {4, 768})},
             "a LoRA for Stable Diffusion 1",
             "tensor lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight F16 [4, 768]"},
        Case{{tensor("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight", {4, 2048})},
             "a LoRA for Stable Diffusion XL",
             "tensor unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight F16 [4, 2048]"},
        Case{{tensor("lora_unet_x_attn2_to_k.hada_w1_a", {320, 4}),
              tensor("lora_unet_x_attn2_to_k.hada_w1_b", {4, 1024})},
             "a LoHa (a kind of LoRA) for Stable Diffusion 2",
             "tensor lora_unet_x_attn2_to_k.hada_w1_a F16 [320, 4]"},
        Case{{tensor("lora_unet_x_attn2_to_k.lokr_w1", {8, 16}), tensor("lora_unet_x_attn2_to_k.lokr_w2_b", {4, 48})},
             "a LoKr (a kind of LoRA) for Stable Diffusion 1",
             "tensor lora_unet_x_attn2_to_k.lokr_w1 F16 [8, 16]"},
        Case{{tensor("lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight", {3072, 8})},
             "a LoRA for Stable Diffusion XL",
             "tensor lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight F16 [3072, 8]"},
        Case{{tensor("lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight", {3072, 8}),
              tensor("lora_unet_double_blocks_0_img_attn_proj.lora_up.weight", {3072, 8})},
             "a LoRA for Flux",
             "tensor lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_up.weight F16 [3072, 8]"},
        Case{{tensor("lora_unet_up_blocks_0_resnets_0_conv1.lora_down.weight", {8, 1280, 3, 3})},
             "a LoRA for Stable Diffusion 2",
             "tensor lora_unet_up_blocks_0_resnets_0_conv1.lora_down.weight F16 [8, 1280, 3, 3]",
             {{"ss_base_model_version", "sd_v2_768_v"}}},
        Case{{tensor("lora_unet_up_blocks_0_resnets_0_conv1.lora_down.weight", {8, 1280, 3, 3})},
             "a LoRA",
             "tensor lora_unet_up_blocks_0_resnets_0_conv1.lora_down.weight F16 [8, 1280, 3, 3]"}));

INSTANTIATE_TEST_SUITE_P(
    Companions, RecogniseTest,
    ::testing::Values(
        Case{unet("control_model.", 4, 768) + Tensors{tensor("control_model.zero_convs.0.0.weight", {320, 320, 1, 1})},
             "a ControlNet for Stable Diffusion 1", "tensor control_model.input_blocks.0.0.weight F16 [320, 4, 3, 3]"},
        Case{sd1() + Tensors{tensor("control_model.zero_convs.0.0.weight", {320, 320, 1, 1})},
             "a ControlNet for Stable Diffusion 1", "tensor control_model.zero_convs.0.0.weight F16 [320, 320, 1, 1]"},
        Case{diffusers_unet("", 2048) + Tensors{tensor("controlnet_cond_embedding.conv_in.weight", {16, 3, 3, 3})},
             "a ControlNet for Stable Diffusion XL",
             "tensor controlnet_cond_embedding.conv_in.weight F16 [16, 3, 3, 3]"},
        Case{{tensor("lora_controlnet", {})}, "a Control-LoRA", "tensor lora_controlnet F16 []"},
        Case{{tensor("adapter.body.0.block1.weight", {320, 192, 3, 3})},
             "a T2I adapter",
             "tensor adapter.body.0.block1.weight F16 [320, 192, 3, 3]"},
        Case{{tensor("ip_adapter.1.to_k_ip.weight", {320, 768})},
             "an IP adapter for Stable Diffusion 1",
             "tensor ip_adapter.1.to_k_ip.weight F16 [320, 768]"},
        Case{{tensor("emb_params", {2, 768})},
             "a textual inversion for Stable Diffusion 1",
             "tensor emb_params F16 [2, 768]"},
        Case{{tensor("string_to_param.*", {2, 1024})},
             "a textual inversion for Stable Diffusion 2",
             "tensor string_to_param.* F16 [2, 1024]"},
        Case{{tensor("<cat-toy>", {768})}, "a textual inversion for Stable Diffusion 1", "tensor <cat-toy> F16 [768]"},
        Case{{tensor("clip_l", {3, 768}), tensor("clip_g", {3, 1280})},
             "a textual inversion for Stable Diffusion XL",
             "tensor clip_g F16 [3, 1280]"},
        Case{{tensor("768.0.linear.0.weight", {1536, 768}), tensor("768.1.linear.0.weight", {1536, 768}),
              tensor("320.0.linear.0.weight", {640, 320})},
             "a hypernetwork for Stable Diffusion 1",
             "tensor 320.0.linear.0.weight F16 [640, 320]"},
        Case{{tensor("down_blocks.0.motion_modules.0.temporal_transformer.norm.bias", {320})},
             "an AnimateDiff motion module",
             "tensor down_blocks.0.motion_modules.0.temporal_transformer.norm.bias F16 [320]"}));

INSTANTIATE_TEST_SUITE_P(
    Parts, RecogniseTest,
    ::testing::Values(
        Case{vae(), "a VAE", "tensor first_stage_model.decoder.conv_in.weight F16 [512, 4, 3, 3]"},
        Case{{tensor("encoder.conv_in.weight", {128, 3, 3, 3}), tensor("encoder.conv_out.weight", {8, 512, 3, 3})},
             "a VAE encoder",
             "tensor encoder.conv_in.weight F16 [128, 3, 3, 3]"},
        Case{{tensor("decoder.conv_in.weight", {512, 16, 3, 3}), tensor("encoder.conv_in.weight", {128, 3, 3, 3}),
              tensor("decoder.up_blocks.0.resnets.0.conv1.weight", {512, 512, 3, 3})},
             "a VAE",
             "tensor decoder.conv_in.weight F16 [512, 16, 3, 3]"},
        Case{{tensor("decoder.layers.0.weight", {64, 4, 3, 3}),
              tensor("decoder.layers.2.conv.0.weight", {64, 64, 3, 3})},
             "a small VAE (TAESD)",
             "tensor decoder.layers.0.weight F16 [64, 4, 3, 3]"},
        Case{{tensor("1.weight", {64, 4, 3, 3}), tensor("3.conv.0.weight", {64, 64, 3, 3})},
             "a small VAE (TAESD)",
             "tensor 1.weight F16 [64, 4, 3, 3]"},
        Case{{tensor("0.weight", {64, 3, 3, 3}), tensor("1.conv.0.weight", {64, 64, 3, 3})},
             "a small VAE encoder (TAESD)",
             "tensor 0.weight F16 [64, 3, 3, 3]"},
        Case{clip_l(""), "a text encoder CLIP ViT-L/14",
             "tensor text_model.embeddings.token_embedding.weight F16 [49408, 768]"},
        Case{{tensor("token_embedding.weight", {49408, 1280}), tensor("transformer.resblocks.0.ln_1.bias", {1280})},
             "a text encoder OpenCLIP ViT-bigG/14",
             "tensor token_embedding.weight F16 [49408, 1280]"},
        Case{{tensor("encoder.block.0.layer.0.SelfAttention.q.weight", {4096, 4096}),
              tensor("shared.weight", {32128, 4096})},
             "a text encoder T5-XXL",
             "tensor shared.weight F16 [32128, 4096]"},
        Case{{tensor("vision_model.embeddings.class_embedding", {1280}),
              tensor("visual_projection.weight", {1024, 1280})},
             "an image encoder (CLIP)",
             "tensor vision_model.embeddings.class_embedding F16 [1280]"}));

INSTANTIATE_TEST_SUITE_P(
    Others, RecogniseTest,
    ::testing::Values(
        Case{{tensor("model.diffusion_model.double_blocks.0.img_attn.proj.weight", {3072, 3072})},
             "a Flux model",
             "tensor model.diffusion_model.double_blocks.0.img_attn.proj.weight F16 [3072, 3072]"},
        Case{{tensor("model.diffusion_model.joint_blocks.0.x_block.attn.proj.bias", {1536})},
             "a Stable Diffusion 3 model",
             "tensor model.diffusion_model.joint_blocks.0.x_block.attn.proj.bias F16 [1536]"},
        Case{{tensor("model.0.weight", {64, 3, 3, 3}), tensor("model.1.sub.0.RDB1.conv1.0.weight", {32, 64, 3, 3}),
              tensor("model.10.weight", {3, 64, 3, 3})},
             "an upscaler (ESRGAN, 4x)",
             "tensor model.1.sub.0.RDB1.conv1.0.weight F16 [32, 64, 3, 3]"},
        Case{{tensor("body.0.rdb1.conv1.weight", {32, 64, 3, 3}), tensor("conv_first.weight", {64, 12, 3, 3}),
              tensor("conv_up1.weight", {64, 64, 3, 3}), tensor("conv_up2.weight", {64, 64, 3, 3})},
             "an upscaler (ESRGAN, 2x)",
             "tensor body.0.rdb1.conv1.weight F16 [32, 64, 3, 3]"},
        Case{{tensor("body.0.weight", {64, 3, 3, 3}), tensor("body.1.weight", {64}),
              tensor("body.34.weight", {48, 64, 3, 3})},
             "an upscaler (Real-ESRGAN compact, 4x)",
             "tensor body.0.weight F16 [64, 3, 3, 3]"},
        Case{{tensor("layers.0.residual_group.blocks.0.norm1.weight", {180})},
             "an upscaler (SwinIR)",
             "tensor layers.0.residual_group.blocks.0.norm1.weight F16 [180]"},
        Case{{}, "a file without tensors", "its header names none"},
        Case{{tensor("weights", {5})},
             "of an unknown kind",
             "no name is one that is known; the first of 1 is tensor weights F16 [5]"},
        Case{{tensor("a\x7F"
                     "b",
                     {2, 2}),
              tensor("c", {1})},
             "of an unknown kind",
             "no name is one that is known; the first of 2 is tensor a\\x7fb F16 [2, 2]"}));

TEST(Recognise, KnowsStableDiffusion1) {
  const Recognition found = recognise(random_file(read_layout("small-trunk")));
  EXPECT_TRUE(found.family == Family::sd1 && found.lacks.empty()) << found.what << ", " << found.evidence;
}

TEST(Recognise, QuotesTheNamesThatFilesHave) {
  const Tensors tensors = sd1();
  const Recognition found =
      recognise(Inventory{.tensors = tensors, .name_in_file = [](const TensorInfo&) { return "its own"; }});
  EXPECT_EQ(found.evidence, "tensor its own F16 [320, 768]");
}

TEST(Recognise, CountsPartsAndTypes) {
  const Recognition found = recognised(sdxl() + Tensors{tensor("model_ema.decay", {})});
  std::vector<std::string> parts;
  for (const CarriedPart& part : found.parts) parts.push_back(part.name);
  EXPECT_THAT(parts, ElementsAre("UNet", "text encoder CLIP ViT-L/14", "text encoder OpenCLIP ViT-bigG/14",
                                 "VAE decoder", "VAE encoder", "EMA weights, which are not used"));
  EXPECT_EQ(found.parts[1].tensors, 1u);
  EXPECT_EQ(found.parts[1].bytes, 49408u * 768 * 2);
  ASSERT_EQ(found.types.size(), 1u);
  EXPECT_EQ(found.types[0].tensors, 9u);
}

TEST(Recognise, NamesSlimmerRelatives) {
  Tensors tensors = sdxl();
  const auto blocks = [&](int place, int count) {
    for (int i = 0; i < count; ++i)
      tensors.push_back(tensor(std::string(kLdm) + "input_blocks." + std::to_string(place) + ".1.transformer_blocks." +
                                   std::to_string(i) + ".attn2.to_k.weight",
                               {640, 2048}));
  };
  std::erase_if(tensors, [](const TensorInfo& t) { return t.name.find("attn2") != std::string::npos; });
  for (const auto& [place, count] : {std::pair{4, 2}, {5, 2}, {7, 4}, {8, 4}}) blocks(place, count);
  EXPECT_EQ(recognised(tensors).what, "a Stable Diffusion XL (SSD-1B) checkpoint");
}

TEST(Recognise, SaysWhatIsPredicted) {
  const auto predicts = [](const Tensors& tensors, const Metadata& metadata) {
    return recognised(tensors, metadata).prediction;
  };
  EXPECT_EQ(predicts(sd1(), {{"modelspec.prediction_type", "v"}}), Prediction::v);
  EXPECT_EQ(predicts(sd2(), {{"modelspec.architecture", "stable-diffusion-v2-768-v"}}), Prediction::v);
  EXPECT_EQ(predicts(sd2(), {{"ss_base_model_version", "sd_v2_768_v"}}), Prediction::v);
  EXPECT_EQ(predicts(sd2(), {{"modelspec.architecture", "stable-diffusion-v2-512"}}), Prediction::noise);
  EXPECT_EQ(predicts(sdxl(), {}), Prediction::noise);
  const Recognition both = recognised(sdxl() + Tensors{tensor("v_pred", {0}), tensor("ztsnr", {0})});
  EXPECT_TRUE(both.prediction == Prediction::v && both.zero_terminal_snr);
}

TEST(Recognise, WhatAFileSaysItselfComesBeforeWhatIsSaidBesideIt) {
  const auto predicts = [](const Tensors& tensors, const Metadata& metadata, Prediction beside) {
    return recognise(Inventory{.tensors = tensors, .metadata = &metadata, .said = SaidPrediction{.prediction = beside}})
        .prediction;
  };
  EXPECT_EQ(predicts(sdxl() + Tensors{tensor("v_pred", {0})}, {}, Prediction::noise), Prediction::v);
  EXPECT_EQ(predicts(sd1(), {{"modelspec.prediction_type", "epsilon"}}, Prediction::v), Prediction::noise);
  EXPECT_EQ(predicts(sd1(), {}, Prediction::v), Prediction::v);
  EXPECT_EQ(predicts(sd2(9), {}, Prediction::v), Prediction::v);  // but before what is usual
  const Tensors v = sdxl() + Tensors{tensor("v_pred", {0})};
  const auto notes = [&](Prediction beside) {
    return recognise(Inventory{.tensors = v, .said = SaidPrediction{.prediction = beside, .by = "x.yaml says so"}})
        .notes;
  };
  EXPECT_THAT(notes(Prediction::noise), ElementsAre("x.yaml says so, but what its own file says counts"));
  EXPECT_THAT(notes(Prediction::v), IsEmpty());
}

// Files of SD 2 that predict noise and v have the same shapes; the values of one bias tell them apart.
Recognition sd2_with_bias(float spread, std::uint64_t inputs, std::optional<SaidPrediction> said = {}) {
  const Tensors tensors = sd2(inputs) + Tensors{tensor(std::string(kLdm) + kBias, {4}, DType::F32)};
  const auto read = [spread](const TensorInfo& info) {
    EXPECT_THAT(info.name, ::testing::EndsWith(kBias));
    return Tensor::from(std::vector<float>{spread, -spread, spread, -spread}, {4});
  };
  return recognise(Inventory{.tensors = tensors, .read = read, .said = std::move(said)});
}

TEST(Recognise, TellsPredictionsOfStableDiffusion2ByTheirValues) {
  const Recognition v = sd2_with_bias(0.1F, 4);
  EXPECT_EQ(v.prediction, Prediction::v);
  EXPECT_THAT(v.evidence, HasSubstr("is 0.100, above 0.09"));
  EXPECT_EQ(sd2_with_bias(0.08F, 4).prediction, Prediction::noise);
  EXPECT_EQ(sd2_with_bias(0.1F, 9).prediction, Prediction::noise);  // inpainting models always do
  EXPECT_EQ(sd2_with_bias(std::nanf(""), 4).prediction, Prediction::noise);
  EXPECT_EQ(sd2_with_bias(0.1F, 4, SaidPrediction{Prediction::noise, false, "a file beside it"}).prediction,
            Prediction::noise);
}

TEST(Recognise, ReadsTheseValuesFromFiles) {
  std::vector<TensorRecipe> recipes;
  for (const TensorInfo& t : unet(kLdm, 4, 1024, 32))
    recipes.push_back({.name = t.name, .shape = Shape(t.shape.begin(), t.shape.end())});
  recipes.push_back({.name = std::string(kLdm) + kBias, .scale = 0.5F, .shape = {64}});
  EXPECT_EQ(recognise(random_file(recipes)).prediction, Prediction::v);
  recipes.back().scale = 0.01F;
  EXPECT_EQ(recognise(random_file(recipes)).prediction, Prediction::noise);
}

TEST(Recognise, AdmitsWhatCannotBeTold) {
  EXPECT_THAT(recognised(vae()).notes, ElementsAre(HasSubstr("Stable Diffusion 1, 2 or XL cannot be told")));
  EXPECT_EQ(recognised(vae(), {{"modelspec.architecture", "stable-diffusion-xl-v1-base"}}).base, "Stable Diffusion XL");
  const Tensors lora = {tensor("x_attn2_to_k.lora_down.weight", {4, 768})};
  EXPECT_THAT(recognised(lora, {{"ss_base_model_version", "sdxl_base_v1-0"}}).notes,
              ElementsAre("its metadata says otherwise: ss_base_model_version is sdxl_base_v1-0"));
  EXPECT_THAT(recognised(lora).notes, IsEmpty());
}

TEST(Recognise, NothingButUNetsHasAFamilyToRun) {
  for (const Tensors& tensors : {vae(), clip_l(""), Tensors{tensor("emb_params", {2, 768})}, sd2(5),
                                 Tensors{tensor("x_attn2_to_k.lora_down.weight", {4, 768})}})
    EXPECT_FALSE(recognised(tensors).family) << recognised(tensors).what;
}

TEST(Recognise, KindsHaveNames) {
  for (const std::string& text : model_kind_names()) EXPECT_EQ(name(*parse_model_kind(text)), text);
  EXPECT_FALSE(parse_model_kind("lorry"));
}

}  // namespace
}  // namespace safelight::test
