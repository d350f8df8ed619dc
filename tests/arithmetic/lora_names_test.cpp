#include "arithmetic/lora_names.h"

#include <gmock/gmock.h>

namespace safelight::test {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> modules(const char* name) {
  std::vector<std::string> result;
  for (const LoraHome& home : lora_homes(name)) result.push_back(home.module);
  return result;
}

TEST(LoraNames, HomesInEveryLayout) {
  EXPECT_THAT(modules("model.diffusion_model.input_blocks.1.1.proj_in.weight"),
              ElementsAre("unet_input_blocks_1_1_proj_in", "unet_down_blocks_0_attentions_0_proj_in"));
  EXPECT_THAT(modules("down_blocks.0.attentions.0.proj_in.weight"),
              ElementsAre("unet_down_blocks_0_attentions_0_proj_in"));
  EXPECT_THAT(modules("unet.conv_in.weight"), ElementsAre("unet_conv_in"));
  constexpr const char* kLayer = "te1_text_model_encoder_layers_3_mlp_fc1";
  EXPECT_THAT(modules("cond_stage_model.transformer.text_model.encoder.layers.3.mlp.fc1.weight"), ElementsAre(kLayer));
  EXPECT_THAT(modules("cond_stage_model.transformer.encoder.layers.3.mlp.fc1.weight"), ElementsAre(kLayer));
  EXPECT_THAT(modules("conditioner.embedders.0.transformer.text_model.encoder.layers.3.mlp.fc1.weight"),
              ElementsAre(kLayer));
  EXPECT_THAT(modules("text_encoder.text_model.encoder.layers.3.mlp.fc1.weight"), ElementsAre(kLayer));
  EXPECT_THAT(modules("text_model.encoder.layers.3.mlp.fc1.weight"), ElementsAre(kLayer));
  EXPECT_THAT(modules("cond_stage_model.model.transformer.resblocks.3.mlp.c_fc.weight"), ElementsAre(kLayer));
  EXPECT_THAT(modules("text_encoder_2.text_model.encoder.layers.3.mlp.fc1.weight"),
              ElementsAre("te2_text_model_encoder_layers_3_mlp_fc1"));
}

TEST(LoraNames, StackedProjectionsHaveThreeHomes) {
  const auto homes = lora_homes("conditioner.embedders.1.model.transformer.resblocks.31.attn.in_proj_weight");
  ASSERT_EQ(homes.size(), 3u);
  EXPECT_EQ(homes[1].module, "te2_text_model_encoder_layers_31_self_attn_k_proj");
  EXPECT_EQ(homes[1].part, 1);
  EXPECT_EQ(homes[1].parts, 3);
}

TEST(LoraNames, NoHomes) {
  for (const char* name :
       {"", "first_stage_model.decoder.conv_in.weight", "model.diffusion_model.input_blocks.1.1.proj_in.bias",
        "model_ema.decay", "alphas_cumprod", "x.attn.in_proj_weight"})
    EXPECT_THAT(modules(name), ElementsAre()) << name;
}

void expect_parsed(const char* name, const char* module, LoraRole role) {
  const auto parsed = parse_lora_name(name);
  ASSERT_TRUE(parsed) << name;
  EXPECT_EQ(parsed->module, module) << name;
  EXPECT_EQ(parsed->role, role) << name;
}

TEST(LoraNames, EveryWayToNameAPart) {
  constexpr const char* kQuery = "unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
  constexpr const char* kOut = "unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0";
  expect_parsed("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.lora_up.weight", kQuery,
                LoraRole::up);
  expect_parsed("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.alpha", kQuery, LoraRole::alpha);
  expect_parsed("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_mid.weight", kOut,
                LoraRole::mid);
  expect_parsed("unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", kQuery, LoraRole::down);
  expect_parsed("unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_B.weight", kOut, LoraRole::up);
  expect_parsed("unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora.up.weight", kQuery, LoraRole::up);
  expect_parsed("unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight", kQuery,
                LoraRole::down);
  expect_parsed("mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight", kOut,
                LoraRole::up);
  expect_parsed("base_model.model.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.default.weight", kQuery,
                LoraRole::down);
  constexpr const char* kText = "te1_text_model_encoder_layers_0_self_attn_q_proj";
  expect_parsed("lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", kText, LoraRole::down);
  expect_parsed("lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", kText, LoraRole::down);
  expect_parsed("text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight", kText,
                LoraRole::down);
  expect_parsed("lora_te2_text_model_encoder_layers_0_mlp_fc2.lora_up.weight",
                "te2_text_model_encoder_layers_0_mlp_fc2", LoraRole::up);
}

TEST(LoraNames, OtherAdaptersAreNotTakenForLora) {
  for (const char* name : {"", "lora_unet_x.hada_w1_a", "lora_unet_x.lokr_w1", "lora_unet_x.dora_scale", "x.weight",
                           "emb_params", "vae.conv.lora_up.weight", "lora.up.weight", "xlora.up.weight"})
    EXPECT_FALSE(parse_lora_name(name)) << name;
}

}  // namespace
}  // namespace safelight::test
