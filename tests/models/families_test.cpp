// Each family's networks against diffusers' and transformers', on the same random weights: tests/golden/models.py.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/golden.h"
#include "models/random_checkpoint.h"
#include "models/test_backends.h"
#include "safelight/error.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using Recipes = std::vector<TensorRecipe>;

constexpr double kClose = 3e-5;  // as in golden_test.cpp
constexpr const char* kUNet = "model.diffusion_model.";

Golden golden() { return Golden(SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/models/families.safetensors")); }

// With vocabularies of a few words, for tests that read no prompt.
Recipes small(std::string_view layout) {
  Recipes recipes = read_layout(layout);
  for (TensorRecipe& r : recipes)
    if (r.name.ends_with("token_embedding.weight")) r.shape[0] = 10;
  return recipes;
}

// The weights' recipe does not depend on the number of input channels.
Recipes with_channels(Recipes recipes, std::int64_t channels) {
  find(recipes, std::string(kUNet) + "input_blocks.0.0.weight").shape[1] = channels;
  return recipes;
}

// The rest of SDXL around another UNet of its kind.
Recipes around_unet_of(std::string_view layout) {
  Recipes recipes = small("tiny-sdxl");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.starts_with(kUNet); });
  const Recipes unet = read_layout(layout);
  recipes.insert(recipes.end(), unet.begin(), unet.end());
  return recipes;
}

void rename(Recipes& recipes, std::string_view from, std::string_view to) {
  for (TensorRecipe& r : recipes)
    if (r.name.starts_with(from)) r.name = std::string(to) + r.name.substr(from.size());
}

class FamiliesTest : public ::testing::Test {
 protected:
  void TearDown() override { RecordProperty("worst_relative", fmt::format("{:.1e}", worst_)); }

  // Calls body(backend) with the plain one and the fastest: ops are compared one by one elsewhere (tests/ops).
  template <class Body>
  void on_backends(Body body) {
    for (const std::string& name : {std::string("reference"), fastest_backend()}) {
      SCOPED_TRACE(name);
      body(*make_backend(name));
    }
  }

  void expect_close(const Distance& off) {
    EXPECT_LT(off.relative, kClose);
    worst_ = std::max(worst_, off.relative);
  }

  double worst_ = 0;  // relative distance
};

TEST_F(FamiliesTest, TextEncodersAndUNetsAgree) {
  for (const char* layout : {"tiny-sd21", "tiny-sdxl", "tiny-refiner"}) {
    SCOPED_TRACE(layout);
    const SafeTensors file = random_file(read_layout(layout));
    on_backends([&](Backend& backend) {
      StableDiffusion sd = StableDiffusion::open(file, backend);
      for (std::size_t i = 0; i < sd.text_encoders.count(); ++i) {
        const Golden::Text off = golden().text(sd.text_encoders[i], fmt::format("{} text{}", layout, i ? "2" : ""));
        expect_close(off.embeddings);
        if (sd.text_encoders[i].pooled_width() > 0) expect_close(off.pooled);
      }
      expect_close(golden().unet(sd.unet, fmt::format("{} unet.4", layout)));
    });
  }
}

TEST_F(FamiliesTest, UNetsThatInpaintAndEditAgree) {
  for (const char* layout : {"tiny-sd21", "tiny-sdxl"})
    for (const auto& [channels, task] : {std::pair{9, ModelTask::inpaint}, std::pair{8, ModelTask::edit}}) {
      SCOPED_TRACE(fmt::format("{} {}", layout, channels));
      const SafeTensors file = random_file(with_channels(small(layout), channels));
      on_backends([&, channels = channels, task = task](Backend& backend) {
        StableDiffusion sd = StableDiffusion::open(file, backend);
        EXPECT_EQ(sd.task, task);
        expect_close(golden().unet(sd.unet, fmt::format("{} unet.{}", layout, channels)));
      });
    }
}

// SSD-1B has attention of another depth at each place on the way up, and like Segmind Vega none in the middle.
TEST_F(FamiliesTest, SlimmerRelativesAgree) {
  for (const char* layout : {"tiny-ssd1b", "tiny-vega"}) {
    SCOPED_TRACE(layout);
    const SafeTensors file = random_file(around_unet_of(layout));
    on_backends([&](Backend& backend) {
      StableDiffusion sd = StableDiffusion::open(file, backend);
      EXPECT_EQ(sd.family, Family::sdxl);
      expect_close(golden().unet(sd.unet, fmt::format("{} unet.4", layout)));
    });
  }
}

// An OpenCLIP tower as a folder of diffusers has it: transformers' names, and the projection as a linear layer.
Recipes transformers_tower(std::string_view place) {
  Recipes recipes = read_layout("tiny");
  const std::string_view from = "cond_stage_model.transformer.text_model.";
  std::erase_if(recipes, [&](const TensorRecipe& r) { return !r.name.starts_with(from); });
  for (int layer = 3; layer < 12; ++layer)
    std::erase_if(recipes, [&](const TensorRecipe& r) {
      return r.name.starts_with(fmt::format("{}encoder.layers.{}.", from, layer));
    });
  rename(recipes, from, std::string(place) + "text_model.");
  find(recipes, std::string(place) + "text_model.embeddings.token_embedding.weight").shape[0] = 1000;
  recipes.push_back(
      {.name = std::string(place) + "text_projection.weight", .scale = std::sqrt(3.0f / 64), .shape = {96, 64}});
  return recipes;
}

TEST_F(FamiliesTest, OpenClipUnderTransformersNamesAgrees) {
  const SafeTensors file = random_file(transformers_tower(""));
  on_backends([&](Backend& backend) {
    const Loader w = Loader(file, backend) / "cond_stage_model";  // where an encoder alone is put
    ClipTextEncoder penultimate(w, {.activation = Activation::gelu, .skipped = 1, .final_norm = false, .pooled = true});
    const Golden::Text off = golden().text(penultimate, "text_model text");
    expect_close(off.embeddings);
    expect_close(off.pooled);
    ClipTextEncoder last(w, {.activation = Activation::gelu});
    expect_close(golden().text(last, "text_model last").embeddings);
  });
}

class OpenTest : public ::testing::Test {
 protected:
  // Nothing is computed: the weights are all the same.
  StableDiffusion open(Recipes recipes, const Metadata& metadata = {}, const Training& training = {}) {
    for (TensorRecipe& r : recipes) r.scale = 0;
    return StableDiffusion::open(random_file(recipes, metadata), *backend_, training);
  }

  std::string refusal(const Recipes& recipes) {
    try {
      open(recipes);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), ErrorCategory::model) << e.what();
      return e.what();
    }
    return "opened";
  }

  std::unique_ptr<Backend> backend_ = make_backend("reference");
};

TEST_F(OpenTest, KnowsWhatSetsTheFamiliesApart) {
  const StableDiffusion sd2 = open(small("tiny-sd21"));
  EXPECT_EQ(sd2.family, Family::sd2);
  EXPECT_EQ(sd2.default_width, 512);
  EXPECT_FLOAT_EQ(sd2.latent_scale, 0.18215f);
  EXPECT_EQ(sd2.text_encoders.padding(0), 0);
  const StableDiffusion xl = open(small("tiny-sdxl"));
  EXPECT_EQ(xl.family, Family::sdxl);
  EXPECT_EQ(xl.default_height, 1024);
  EXPECT_FLOAT_EQ(xl.latent_scale, 0.13025f);
  EXPECT_EQ(xl.text_encoders.padding(0), 49407);
  EXPECT_EQ(xl.text_encoders.padding(1), 0);
  const StableDiffusion refiner = open(small("tiny-refiner"));
  EXPECT_EQ(refiner.family, Family::sdxl_refiner);
  EXPECT_EQ(refiner.default_width, 1024);
  EXPECT_FLOAT_EQ(refiner.latent_scale, 0.13025f);
  EXPECT_EQ(refiner.text_encoders.padding(0), 0);
}

TEST_F(OpenTest, TakesThePredictionFromTheFileOrFromTheUser) {
  const Metadata says_v{{"modelspec.prediction_type", "v"}};
  EXPECT_EQ(open(small("tiny-sd21"), says_v).prediction, Prediction::v);
  EXPECT_EQ(open(small("tiny-sd21"), says_v).default_width, 768);
  EXPECT_EQ(open(small("tiny-sd21"), says_v, {.prediction = Prediction::noise}).default_width, 512);
  const StableDiffusion told = open(small("tiny-sd21"), {}, {.prediction = Prediction::v, .zero_terminal_snr = true});
  EXPECT_EQ(told.prediction, Prediction::v);
  EXPECT_TRUE(told.zero_terminal_snr);
  EXPECT_FALSE(open(small("tiny-sd21")).zero_terminal_snr);
}

TEST_F(OpenTest, TakesTextEncodersUnderEitherName) {
  Recipes recipes = small("tiny-sdxl");
  for (const char* place :
       {"conditioner.embedders.0.transformer.", "conditioner.embedders.0.text_model.", "conditioner.embedders.0."}) {
    rename(recipes, "conditioner.embedders.0.transformer.text_model.", place);
    EXPECT_EQ(open(recipes).text_encoders.width(), 96);
    recipes = small("tiny-sdxl");
  }
  for (const char* place : {"conditioner.embedders.1.transformer.", "conditioner.embedders.1."}) {
    Recipes other = small("tiny-sdxl");
    std::erase_if(other, [](const TensorRecipe& r) { return r.name.starts_with("conditioner.embedders.1."); });
    for (TensorRecipe r : small("tiny-sdxl")) {
      const std::string_view from = "conditioner.embedders.0.transformer.";
      if (!r.name.starts_with(from)) continue;
      r.name = place + r.name.substr(from.size());
      for (std::int64_t& size : r.shape)
        size = size == 32 ? 64 : size == 128 ? 256 : size;  // as wide as the encoder whose place it takes
      other.push_back(r);
    }
    other.push_back({.name = std::string(place) + "text_projection.weight", .scale = 0.1f, .shape = {1280, 64}});
    EXPECT_EQ(open(other).text_encoders.pooled_width(), 1280) << place;
  }
}

// diffusers leaves out the block that Stable Diffusion 2 does not use: then all that are there count.
TEST_F(OpenTest, UsesAllBlocksOfTheTextEncoderThatDiffusersPublishesForStableDiffusion2) {
  const SafeTensors file = random_file(transformers_tower("cond_stage_model."));
  const Loader w(file, *backend_);
  const std::vector<std::vector<std::int32_t>> ids{std::vector<std::int32_t>(77, 7)};
  const Tensor got = TextEncoders(w, Family::sd2)(ids, 1).context;
  ClipTextEncoder last(w / "cond_stage_model", {.activation = Activation::gelu});
  EXPECT_EQ(distance(got, last(ids[0], 1).hidden).max_abs, 0);
}

TEST_F(OpenTest, NamesWhatATextEncoderLacks) {
  Recipes recipes = small("tiny-sdxl");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.ends_with("text_projection"); });
  EXPECT_THAT(refusal(recipes), HasSubstr("tensor conditioner.embedders.1.model.text_projection is missing"));
  recipes = small("tiny-sdxl");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.starts_with("conditioner.embedders.1."); });
  EXPECT_THAT(refusal(recipes), HasSubstr("but no second text encoder (64 wide); add --text-encoder FILE"));
  recipes = small("tiny-sdxl");
  find(recipes, "conditioner.embedders.1.model.transformer.resblocks.1.attn.in_proj_weight").shape = {128, 64};
  EXPECT_THAT(refusal(recipes), HasSubstr("attn.in_proj_weight has shape [128, 64], expected [192, 64]"));
  recipes = small("tiny-sd21");
  std::erase_if(recipes, [](const TensorRecipe& r) {
    return r.name.find("resblocks.1.") != r.name.npos || r.name.find("resblocks.2.") != r.name.npos;
  });
  EXPECT_THAT(refusal(recipes), HasSubstr("is missing, expected 2 blocks or more, found 1"));
}

// A tower as wide as a published one.
Recipes clip_of(std::int64_t width, std::int64_t blocks) {
  Recipes recipes = read_layout("tiny");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.starts_with("cond_stage_model."); });
  const std::string place = "cond_stage_model.transformer.text_model.";
  recipes.push_back({.name = place + "embeddings.token_embedding.weight", .shape = {10, width}});
  for (std::int64_t i = 0; i < blocks; ++i)
    recipes.push_back({.name = fmt::format("{}encoder.layers.{}.layer_norm1.weight", place, i), .shape = {width}});
  return recipes;
}

TEST_F(OpenTest, RefusesAPublishedTextEncoderOfAnotherDepth) {
  EXPECT_THAT(refusal(clip_of(768, 11)),
              HasSubstr("tensor cond_stage_model.transformer.text_model.encoder.layers.10.layer_norm1.weight is in the "
                        "last of 11 blocks, expected 12 in a text encoder of width 768"));
  EXPECT_THAT(refusal(clip_of(768, 13)), HasSubstr("is in the last of 13 blocks, expected 12"));
  EXPECT_THAT(refusal(clip_of(768, 12)), HasSubstr("position_embedding.weight is missing"));
}

TEST_F(OpenTest, RefusesAUNetWhoseLabelDoesNotFit) {
  Recipes recipes = small("tiny-sdxl");
  find(recipes, "model.diffusion_model.label_emb.0.0.weight").shape[1] = 2810;
  EXPECT_THAT(refusal(recipes), HasSubstr("label_emb takes 2810 values, expected 1280 of the text and a multiple of 12 "
                                          "for 6 numbers"));
  recipes = small("tiny-sdxl");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.find("label_emb.") != r.name.npos; });
  EXPECT_THAT(refusal(recipes), HasSubstr("but no text encoder (96 wide)")) << "it is none of SDXL";
}

TEST_F(OpenTest, RefusesAUNetWithABlockTooManyOrTooFew) {
  Recipes recipes = small("tiny-sdxl");
  recipes.push_back({.name = std::string(kUNet) + "output_blocks.9.0.in_layers.0.weight", .shape = {64}});
  EXPECT_THAT(refusal(recipes), HasSubstr("output_blocks.9.0.in_layers.2.weight is one block too many, expected 9"));
  recipes = small("tiny-sdxl");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.find("middle_block.1.") != r.name.npos; });
  EXPECT_THAT(refusal(recipes), HasSubstr("middle_block.1.proj_in.weight is missing"));
  recipes = small("tiny-sdxl");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.find("transformer_blocks.") != r.name.npos; });
  EXPECT_THAT(refusal(recipes), HasSubstr("input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight is missing"));
}

// The smallest of the slim ones, KOALA-700M, has no middle block at all.
TEST_F(OpenTest, TakesAUNetWithoutAMiddle) {
  Recipes recipes = small("tiny-sdxl");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.find("middle_block.") != r.name.npos; });
  EXPECT_EQ(open(recipes).unet.context_width(), 96);
}

TEST_F(OpenTest, TheUNetWantsItsVectorAndNoOther) {
  StableDiffusion xl = open(small("tiny-sdxl"));
  const auto context = [](std::int64_t width) {
    return Tensor::from(std::vector<float>(static_cast<std::size_t>(width)), {1, 1, width});
  };
  const auto vector = [](std::int64_t width) {
    return Tensor::from(std::vector<float>(static_cast<std::size_t>(width)), {1, width});
  };
  EXPECT_EQ(xl.unet.prepare(context(96), vector(2816)).texts(), 1);
  EXPECT_THROW(xl.unet.prepare(context(96)), Error);
  EXPECT_THROW(xl.unet.prepare(context(96), vector(2815)), Error);
  StableDiffusion sd2 = open(small("tiny-sd21"));
  EXPECT_THROW(sd2.unet.prepare(context(64), vector(2816)), Error);
}

}  // namespace
}  // namespace safelight::test
