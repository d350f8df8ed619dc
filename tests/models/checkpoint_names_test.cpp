// Which tensor of a file is which of a model's, whoever named it.
#include <gmock/gmock.h>

#include "models/checkpoint.h"
#include "models/random_checkpoint.h"
#include "models/vae_names.h"
#include "support/diffusers_names.h"

namespace safelight::test {
namespace {

using Names = std::vector<std::string>;

// A file with these tensors, of one number each.
Checkpoint file_of(const Names& names) {
  std::vector<TensorRecipe> recipes;
  for (const std::string& name : names) recipes.push_back({.name = name, .shape = {1}});
  return random_file(recipes);
}

// The name in the file of what we call `name`.
std::string in_file(const Checkpoint& checkpoint, const std::string& name) {
  const TensorInfo* found = checkpoint.find(name);
  return found ? checkpoint.name_in_file(*found) : "none";
}

// The place of a part that is alone in its file.
std::string place_of(const NamesOfPart& part) {
  if (part.part == "unet") return "model.diffusion_model.";
  return part.part == "vae" ? "first_stage_model." : "cond_stage_model.";
}

TEST(CheckpointNames, EveryTensorOfDiffusersPartsHasItsPlace) {
  int parts = 0;
  for (const NamesOfPart& part : read_diffusers_names()) {
    SCOPED_TRACE(part.part + " " + part.families);
    ++parts;
    EXPECT_EQ(part.names.size(), part.tensors);
    for (const std::string prefix : {"", part.part == "text-encoder-2" ? "text_encoder_2."
                                         : part.part == "vae"          ? "vae."
                                         : part.part == "unet"         ? "unet."
                                                                       : "text_encoder."}) {
      Names names;
      for (const NamePair& pair : part.names) names.push_back(prefix + pair.diffusers);
      const Checkpoint file = file_of(names);
      EXPECT_EQ(file.below(place_of(part)).size(), part.tensors);
      for (const NamePair& pair : part.names)
        EXPECT_EQ(in_file(file, place_of(part) + pair.ldm), prefix + pair.diffusers);
    }
  }
  EXPECT_EQ(parts, 9);
}

TEST(CheckpointNames, AllPartsInOneFileOfDiffusersNames) {
  const Checkpoint file = file_of({"unet.conv_in.weight", "unet.conv_out.weight", "unet.time_embedding.linear_1.weight",
                                   "unet.add_embedding.linear_1.weight", "vae.decoder.conv_in.weight",
                                   "vae.decoder.mid_block.resnets.1.norm1.bias",
                                   "text_encoder.text_model.embeddings.token_embedding.weight",
                                   "text_encoder_2.text_model.embeddings.token_embedding.weight",
                                   "text_encoder_2.text_projection.weight", "something.else"});
  EXPECT_EQ(in_file(file, "model.diffusion_model.input_blocks.0.0.weight"), "unet.conv_in.weight");
  EXPECT_EQ(in_file(file, "first_stage_model.decoder.mid.block_2.norm1.bias"),
            "vae.decoder.mid_block.resnets.1.norm1.bias");
  EXPECT_EQ(in_file(file, "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight"),
            "text_encoder.text_model.embeddings.token_embedding.weight");
  EXPECT_EQ(in_file(file, "conditioner.embedders.1.transformer.text_projection.weight"),
            "text_encoder_2.text_projection.weight");
  EXPECT_EQ(in_file(file, "something.else"), "something.else");
}

TEST(CheckpointNames, SingleFilesKeepTheirNames) {
  const Names names{"model.diffusion_model.input_blocks.0.0.weight",
                    "model.diffusion_model.some.extension",
                    "first_stage_model.decoder.conv_in.weight",
                    "first_stage_model.loss.logvar",
                    "cond_stage_model.model.token_embedding.weight",
                    "cond_stage_model.model.positional_embedding",
                    "cond_stage_model.model.text_projection",
                    "conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight",
                    "conditioner.embedders.1.model.token_embedding.weight",
                    "conditioner.embedders.1.model.positional_embedding",
                    "model_ema.decay",
                    "alphas_cumprod"};
  const Checkpoint file = file_of(names);
  EXPECT_EQ(file.tensors().size(), names.size());
  for (const std::string& name : names) EXPECT_EQ(in_file(file, name), name);
}

struct Case {
  const char *name, *ours;
  Names others{};  // what makes the file recognisable
};

TEST(CheckpointNames, OtherWaysToNameParts) {
  const std::string token = "embeddings.token_embedding.weight", text = "cond_stage_model.transformer.text_model.";
  const std::vector<Case> cases{
      // UNets alone in ldm's layout
      {"input_blocks.0.0.weight", "model.diffusion_model.input_blocks.0.0.weight", {"out.2.weight"}},
      {"time_embed.0.bias", "model.diffusion_model.time_embed.0.bias", {"input_blocks.0.0.weight", "out.2.weight"}},
      {"diffusion_model.out.2.weight",
       "model.diffusion_model.out.2.weight",
       {"diffusion_model.input_blocks.0.0.weight"}},
      // VAEs alone
      {"decoder.up.0.block.0.norm1.bias",
       "first_stage_model.decoder.up.0.block.0.norm1.bias",
       {"decoder.conv_in.weight"}},
      {"first_stage_model.encoder.down_blocks.0.downsamplers.0.conv.bias",
       "first_stage_model.encoder.down.0.downsample.conv.bias",
       {"first_stage_model.encoder.conv_in.weight"}},
      {"decoder.mid_block.attentions.0.query.weight",
       "first_stage_model.decoder.mid.attn_1.q.weight",
       {"decoder.conv_in.weight"}},
      {"decoder.mid_block.attentions.0.key.bias",
       "first_stage_model.decoder.mid.attn_1.k.bias",
       {"decoder.conv_in.weight"}},
      {"decoder.mid_block.attentions.0.value.bias",
       "first_stage_model.decoder.mid.attn_1.v.bias",
       {"decoder.conv_in.weight"}},
      {"decoder.mid_block.attentions.0.proj_attn.weight",
       "first_stage_model.decoder.mid.attn_1.proj_out.weight",
       {"decoder.conv_in.weight"}},
      // text encoders
      {"text_model.final_layer_norm.bias",
       "cond_stage_model.transformer.text_model.final_layer_norm.bias",
       {"text_model." + token}},
      {"cond_stage_model.transformer.final_layer_norm.bias",
       "cond_stage_model.transformer.text_model.final_layer_norm.bias",
       {"cond_stage_model.transformer." + token}},
      {"text_projection.weight", "cond_stage_model.transformer.text_projection.weight", {"text_model." + token}},
      {"transformer.resblocks.3.attn.in_proj_weight",
       "cond_stage_model.model.transformer.resblocks.3.attn.in_proj_weight",
       {"token_embedding.weight", "positional_embedding"}},
      {"text_projection", "cond_stage_model.model.text_projection", {"token_embedding.weight", "positional_embedding"}},
      // what only looks like a part
      {"visual.transformer.resblocks.3.ln_1.bias",
       "visual.transformer.resblocks.3.ln_1.bias",
       {"token_embedding.weight", "positional_embedding"}},
      {"vision_model.embeddings.class_embedding", "vision_model.embeddings.class_embedding", {"text_model." + token}},
      {"input_blocks.0.0.weight", "input_blocks.0.0.weight", {"input_hint_block.0.weight"}},
      {"conv_in.weight",
       "conv_in.weight",
       {"time_embedding.linear_1.weight", "controlnet_cond_embedding.conv_in.weight"}},
      {"model_ema.decay", "model_ema.decay"},
  };
  for (const Case& c : cases) {
    Names names = c.others;
    names.emplace_back(c.name);
    EXPECT_EQ(in_file(file_of(names), c.ours), c.name);
  }
}

TEST(CheckpointNames, NoModulesOfAVae) {
  for (const char* name : {"", "decoder", "decoder.", "decoder.up_blocks.", "decoder.up_blocks.2.resnets.0.conv1",
                           "decoder.up_blocks.x.resnets.0.conv1", "decoder.up_blocks.99999999999.resnets.0.conv1",
                           "decoder.down_blocks.0.resnets.0.conv1", "encoder.up_blocks.0.resnets.0.conv1",
                           "encoder.down_blocks.0.upsamplers.0.conv", "encoder.mid_block.resnets.2.conv1",
                           "encoder.mid_block.attentions.1.to_q", "encoder.down_blocks.0.resnets.0.conv3",
                           "encoder.down_blocks.0.resnets.-1.conv1", "loss.logvar"})
    EXPECT_EQ(ldm_vae_module(name, 2), std::nullopt) << name;
}

}  // namespace
}  // namespace safelight::test
