// A checkpoint with one thing wrong is refused with the tensor's name, what was expected and what was found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <ostream>

#include "models/random_checkpoint.h"
#include "models/stable_diffusion.h"
#include "models/test_backends.h"
#include "safelight/error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using Recipes = std::vector<TensorRecipe>;

// The message with which a checkpoint is refused.
std::string refusal(const Recipes& recipes, const Metadata& metadata = {}) {
  const auto backend = make_backend("reference");
  try {
    StableDiffusion::open(random_file(recipes, metadata), *backend);
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), ErrorCategory::model) << e.what();
    return e.what();
  }
  return "opened";
}

struct Case {
  const char* tensor;
  Shape shape;  // what to give it
  const char* complaint;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.tensor; }

class WrongShapeTest : public ::testing::TestWithParam<Case> {};

TEST_P(WrongShapeTest, NamesTensorExpectedAndFound) {
  Recipes recipes = read_layout("small-trunk");
  find(recipes, GetParam().tensor).shape = GetParam().shape;
  const std::string message = refusal(recipes);
  EXPECT_THAT(message, HasSubstr(std::string("tensor ") + GetParam().tensor + " " + GetParam().complaint));
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Tensors, WrongShapeTest,
    ::testing::Values(
        Case{"cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc2.weight",
             {64, 255},
             "has shape [64, 255], expected [64, 256]"},
        Case{"cond_stage_model.transformer.text_model.embeddings.position_embedding.weight",
             {77, 65},
             "has shape [77, 65], expected [77, 64]"},
        Case{"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight",
             {64000},
             "has shape [64000], expected at least 2 dimensions"},
        Case{"model.diffusion_model.time_embed.0.weight",
             {128, 33},
             "takes 33 values, expected as many cosines as sines"},
        Case{"model.diffusion_model.input_blocks.1.0.in_layers.2.weight",
             {32, 33, 3, 3},
             "has shape [32, 33, 3, 3], expected [32, 32, 3, 3]"},
        Case{"model.diffusion_model.input_blocks.1.0.in_layers.2.weight",
             {0, 32, 3, 3},
             "has shape [0, 32, 3, 3], expected no size of zero"},
        Case{"model.diffusion_model.input_blocks.1.0.in_layers.0.bias", {31}, "has shape [31], expected [32]"},
        Case{"model.diffusion_model.middle_block.1.proj_in.weight",
             {64, 64, 3, 3},
             "has shape [64, 64, 3, 3], expected [64, 64] or [64, 64, 1, 1]"},
        Case{"model.diffusion_model.middle_block.1.transformer_blocks.0.ff.net.0.proj.weight",
             {511, 64},
             "has 511 rows, expected an even number"},
        Case{"model.diffusion_model.output_blocks.0.0.in_layers.2.weight",
             {64, 96, 3, 3},
             "has shape [64, 96, 3, 3], expected [64, 128, 3, 3]"},
        Case{"first_stage_model.decoder.mid.attn_1.q.weight",
             {64, 65, 1, 1},
             "has shape [64, 65, 1, 1], expected [64, 64] or [64, 64, 1, 1]"},
        Case{"first_stage_model.decoder.conv_out.weight",
             {4, 32, 3, 3},
             "has shape [4, 32, 3, 3], expected [3, 32, 3, 3]"},
        Case{"first_stage_model.quant_conv.weight",
             {8, 9, 1, 1},
             "has shape [8, 9, 1, 1], expected [8, 8] or [8, 8, 1, 1]"}));

class MissingTensorTest : public ::testing::TestWithParam<const char*> {};

TEST_P(MissingTensorTest, IsNamed) {
  Recipes recipes = read_layout("small-trunk");
  ASSERT_EQ(std::erase_if(recipes, [](const TensorRecipe& r) { return r.name == GetParam(); }), 1u);
  EXPECT_THAT(refusal(recipes), HasSubstr(std::string("tensor ") + GetParam() + " is missing"));
}

// Also the ones by which blocks and attention are found.
INSTANTIATE_TEST_SUITE_P(Tensors, MissingTensorTest,
                         ::testing::Values("cond_stage_model.transformer.text_model.final_layer_norm.bias",
                                           "cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.bias",
                                           "model.diffusion_model.time_embed.2.weight",
                                           "model.diffusion_model.input_blocks.4.1.norm.weight",
                                           "model.diffusion_model.input_blocks.4.0.in_layers.2.weight",
                                           "model.diffusion_model.input_blocks.4.0.skip_connection.weight",
                                           "model.diffusion_model.input_blocks.3.0.op.bias",
                                           "model.diffusion_model.output_blocks.2.2.conv.weight",
                                           "model.diffusion_model.out.2.weight",
                                           "first_stage_model.decoder.up.1.block.1.conv1.weight",
                                           "first_stage_model.decoder.up.1.upsample.conv.weight",
                                           "first_stage_model.encoder.down.0.downsample.conv.bias",
                                           "first_stage_model.post_quant_conv.weight"));

struct MissingBlock {
  const char *block, *complaint;
};

void PrintTo(const MissingBlock& c, std::ostream* out) { *out << c.block; }

class MissingBlockTest : public ::testing::TestWithParam<MissingBlock> {};

TEST_P(MissingBlockTest, IsNamed) {
  Recipes recipes = read_layout("uneven");
  ASSERT_GT(std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.starts_with(GetParam().block); }), 0u);
  EXPECT_THAT(refusal(recipes), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    Blocks, MissingBlockTest,
    ::testing::Values(
        MissingBlock{
            "cond_stage_model.transformer.encoder.layers.1.",
            "tensor cond_stage_model.transformer.text_model.encoder.layers.1.layer_norm1.weight (ldm's name for it) "
            "is missing"},
        MissingBlock{"model.diffusion_model.input_blocks.3.",
                     "tensor model.diffusion_model.input_blocks.3.0.in_layers.2.weight is missing"},
        MissingBlock{
            "model.diffusion_model.input_blocks.8.",
            "tensor model.diffusion_model.output_blocks.1.0.in_layers.0.weight has shape [256], expected [224]"},
        MissingBlock{"model.diffusion_model.output_blocks.4.",
                     "tensor model.diffusion_model.output_blocks.4.0.in_layers.2.weight is missing"},
        MissingBlock{"model.diffusion_model.output_blocks.8.",
                     "tensor model.diffusion_model.output_blocks.8.0.in_layers.2.weight is missing"},
        MissingBlock{
            "model.diffusion_model.output_blocks.5.2.",
            "tensor model.diffusion_model.output_blocks.6.0.in_layers.2.weight would join a map halved 1 times "
            "with one halved 0 times"},
        MissingBlock{"first_stage_model.decoder.up.1.",
                     "tensor first_stage_model.decoder.up.1.block.0.conv1.weight is missing"}));

TEST(CheckpointErrors, WeightsThatAreNoNumbers) {
  Recipes recipes = read_layout("small-trunk");
  find(recipes, "model.diffusion_model.out.2.weight").dtype = DType::I32;
  EXPECT_THAT(refusal(recipes), HasSubstr("model.diffusion_model.out.2.weight has type I32, expected F16"));
}

TEST(CheckpointErrors, NetworksThatDoNotFit) {
  Recipes recipes = read_layout("small-trunk");
  for (TensorRecipe& r : recipes)
    if (r.name.ends_with("attn2.to_k.weight") || r.name.ends_with("attn2.to_v.weight")) r.shape[1] = 96;
  EXPECT_THAT(refusal(recipes),
              HasSubstr("the text encoder's width is 64, the width of text that the UNet attends to is 96"));
}

TEST(CheckpointErrors, SomethingElseNamesFamilyAndEvidence) {
  Recipes recipes = read_layout("small-trunk");
  find(recipes, "model.diffusion_model.input_blocks.0.0.weight").shape = {32, 5, 3, 3};
  EXPECT_EQ(refusal(recipes),
            "[model] the file is a depth-to-image model (Stable Diffusion 2) (tensor "
            "model.diffusion_model.input_blocks.0.0.weight F16 [32, 5, 3, 3]); expected a Stable Diffusion "
            "checkpoint");
}

TEST(StableDiffusionOpen, TakesModelsThatInpaintAndEdit) {
  for (const auto& [channels, task] : {std::pair{9, ModelTask::inpaint}, std::pair{8, ModelTask::edit}}) {
    Recipes recipes = read_layout("small-trunk");
    find(recipes, "model.diffusion_model.input_blocks.0.0.weight").shape = {32, channels, 3, 3};
    const auto backend = make_backend("reference");
    EXPECT_EQ(StableDiffusion::open(random_file(recipes), *backend).task, task);
  }
}

TEST(CheckpointErrors, NamesTheFile) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "style.safetensors";
  const std::vector<std::byte> bytes =
      file_bytes({{.name = "lora_unet_x.lora_up.weight", .scale = 1, .shape = {32, 4}}});
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  const auto backend = make_backend("reference");
  try {
    StableDiffusion::open(path, *backend);
    FAIL() << "opened";
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()),
              "[model] " + path.string() +
                  " is a LoRA (tensor lora_unet_x.lora_up.weight F16 [32, 4]); expected a Stable Diffusion "
                  "checkpoint");
  }
}

TEST(StableDiffusionOpen, TakesItsSizeFromTheMetadata) {
  const auto backend = make_backend("reference");
  const auto opened = [&](const char* resolution) {
    return StableDiffusion::open(random_file(read_layout("small-trunk"), {{"modelspec.resolution", resolution}}),
                                 *backend);
  };
  const StableDiffusion said = opened("96x64");
  EXPECT_EQ(said.default_width, 96);
  EXPECT_EQ(said.default_height, 64);
  EXPECT_EQ(said.size_multiple(), 2);
  for (const char* nonsense : {"", "x", "96", "96x", "-96x64", "97x64", "96x64x3", "99999999999999999999x64", "0x0"}) {
    const StableDiffusion fallback = opened(nonsense);
    EXPECT_EQ(fallback.default_width, 128) << nonsense;  // 64 latent pixels
    EXPECT_EQ(fallback.default_height, 128) << nonsense;
  }
}

}  // namespace
}  // namespace safelight::test
