// safelight what, safelight models, and names given to -m, run as a user runs them.
#include <gmock/gmock.h>
#include <simdjson.h>

#include <chrono>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ModelsCommand : public ::testing::Test {
 protected:
  ModelsCommand() {
    add("checkpoints/sd.safetensors",
        {{"model.diffusion_model.input_blocks.0.0.weight", zeros({1, 9, 3, 3})},
         {"model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", zeros({1, 768})},
         {"first_stage_model.decoder.conv_in.weight", zeros({1, 4, 3, 3})}});
    add("loras/style one.safetensors", {{"x_attn2_to_k.lora_down.weight", zeros({1, 768})}});
    write_file(folder_ / "loras/style one.png", "");
    write_file(folder_ / "broken.safetensors", "<html>");
  }

  static Tensor zeros(const Shape& shape) {
    return Tensor::from(std::vector<float>(static_cast<std::size_t>(elements(shape))), shape);
  }

  void add(const std::string& name, const std::vector<NamedTensor>& tensors) const {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    save(path, tensors);
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));  // so that hashes are cached
  }

  std::vector<std::string> environment() const {
    return {"SAFELIGHT_MODELS=" + folder_.path().native(), "XDG_CACHE_HOME=" + (cache_ / "c").native()};
  }
  Result run_here(const std::vector<std::string>& arguments) const {
    return run(arguments, {.environment = environment()});
  }

  TemporaryFolder folder_, cache_;
};

TEST_F(ModelsCommand, WhatExplains) {
  const std::string lora = folder_ / "loras/style one.safetensors", model = folder_ / "checkpoints/sd.safetensors";
  EXPECT_EQ(run({"what", lora, model}).exit_code, 0);
  const Result result = run({"what", lora, model, folder_ / "broken.safetensors"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.out, StartsWith(lora + "\n  what        a LoRA for Stable Diffusion 1\n  kind        lora\n"));
  EXPECT_THAT(
      result.out,
      HasSubstr("  evidence    a LoRA for Stable Diffusion 1: tensor x_attn2_to_k.lora_down.weight F32 [1, 768]\n"));
  EXPECT_THAT(result.out, HasSubstr("  to run      safelight merge MODEL --lora '" + lora + "'=1 -o OUTPUT\n"));
  EXPECT_THAT(result.out, HasSubstr("a Stable Diffusion 1 inpainting model without its text encoder, VAE encoder\n"));
  EXPECT_THAT(result.out, HasSubstr("  task        inpainting: fills holes in pictures\n  predicts    noise\n  "
                                    "precision   F32 3.54 KB\n  carries     UNet: 2 tensors, F32 3.40 KB\n"));
  EXPECT_THAT(result.out, HasSubstr("  lacks       text encoder, VAE encoder\n"));
  EXPECT_THAT(
      result.out,
      HasSubstr(
          "  to add      --text-encoder FILE: its text encoder, by itself or in a checkpoint of Stable Diffusion 1\n"));
  EXPECT_THAT(result.out, HasSubstr("              --vae FILE: a VAE of Stable Diffusion 1\n"));
  EXPECT_THAT(result.out, HasSubstr("safelight inpaint -m " + model + " --text-encoder FILE --vae FILE -i PICTURE"));
  EXPECT_THAT(result.out, HasSubstr("broken.safetensors\n  problem     "));
}

// Neither a form that merge does not know, nor a LoRA with more in it than that.
TEST_F(ModelsCommand, WhatAdvisesToMergeOnlyWhatMergeKnows) {
  const std::string layer = "lora_unet_x_attn2_to_k";
  add("loha.safetensors", {{layer + ".hada_w1_b", zeros({1, 768})}});
  add("dora.safetensors", {{layer + ".lora_down.weight", zeros({1, 768})}, {layer + ".dora_scale", zeros({1})}});
  for (const char* name : {"loha.safetensors", "dora.safetensors"}) {
    const Result result = run({"what", folder_ / name});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("\n  note        safelight merge cannot add it to a model"));
    EXPECT_THAT(result.out, Not(HasSubstr("to run")));
  }
  EXPECT_THAT(run({"what", folder_ / "loras/style one.safetensors"}).out, HasSubstr("to run      safelight merge"));
}

TEST_F(ModelsCommand, WhatOfAFolderIsThatOfItsModels) {
  const Result result = run({"what", "--json", folder_.path()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  simdjson::dom::parser parser;
  const simdjson::padded_string lines(result.out);
  std::vector<std::string> kinds;
  for (const simdjson::dom::element line : parser.parse_many(lines)) kinds.emplace_back(std::string_view(line["kind"]));
  EXPECT_THAT(kinds, ::testing::ElementsAre("unknown", "checkpoint", "lora"));
  EXPECT_THAT(result.out, HasSubstr(R"("task":"inpaint","prediction":"noise","zero_terminal_snr":false)"));
  EXPECT_THAT(result.out, HasSubstr(R"("lacks":["text encoder","VAE encoder"])"));
  EXPECT_EQ(run({"what", folder_ / "none"}).exit_code, 3);
  EXPECT_EQ(run({"what"}).exit_code, 2);
}

TEST_F(ModelsCommand, WhatOfAPickleSaysToConvertIt) {
  const std::string file = std::string(SAFELIGHT_SOURCE_DIR) + "/tests/data/foreign/torch_2.15_zip.pt";
  const Result result = run({"what", file});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("a PyTorch file (a pickle): safelight convert makes"));
  EXPECT_THAT(result.out, HasSubstr("to run      safelight convert " + file));
}

TEST_F(ModelsCommand, ListsAFolder) {
  const Result result = run_here({"models", folder_.path()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("unknown            6 B  -                           broken.safetensors\n"));
  EXPECT_THAT(result.out, HasSubstr("! [safetensors] "));
  EXPECT_THAT(result.out, HasSubstr("Stable Diffusion 1          style one.safetensors  (preview)\n"));
  EXPECT_THAT(run_here({"models", folder_.path(), "--kind", "lora"}).out, Not(HasSubstr("sd.safetensors")));
  EXPECT_EQ(run_here({"models", folder_.path(), "--kind", "lorry"}).exit_code, 2);
  EXPECT_EQ(run_here({"models", folder_ / "none"}).exit_code, 3);
}

TEST_F(ModelsCommand, HashesAreComputedOnRequest) {
  EXPECT_THAT(run_here({"models", "--json", "--kind", "lora"}).out, HasSubstr(R"("autov2":null)"));
  EXPECT_THAT(run_here({"models", "--hash"}).out, HasSubstr("AutoV1 e3b0c442, AutoV2 "));
  const std::string hashed = run_here({"models", "--json", "--hash", "--kind", "lora"}).out;
  EXPECT_THAT(hashed, Not(HasSubstr(R"("autov2":null)")));
  EXPECT_EQ(run_here({"models", "--json", "--kind", "lora"}).out, hashed);
  simdjson::dom::parser parser;
  const simdjson::dom::element line = parser.parse(hashed);
  EXPECT_EQ(std::string(std::string_view(line["title"])),
            "style one.safetensors [" + std::string(std::string_view(line["autov2"])) + "]");
  EXPECT_THAT(std::string(std::string_view(line["preview"])), ::testing::EndsWith("style one.png"));
}

TEST_F(ModelsCommand, ATaskOtherThanMakingPicturesIsToldWithTheFamily) {
  EXPECT_THAT(run_here({"models"}).out, HasSubstr("Stable Diffusion 1 inpainting"));
}

TEST_F(ModelsCommand, TheShippedModelIsListed) {
  EXPECT_THAT(run_here({"models"}).out, HasSubstr("papercut.safetensors"));
}

TEST_F(ModelsCommand, NamesModelsForOtherCommands) {
  const auto refusal = [&](const std::string& model) {
    return run_here({"generate", "-p", "x", "-m", model, "-o", (folder_ / "x.png").native()});
  };
  const Result lora = refusal("STYLE one");
  EXPECT_EQ(lora.exit_code, 5);
  EXPECT_THAT(lora.err, HasSubstr("style one.safetensors is a LoRA for Stable Diffusion 1"));
  const Result none = refusal("stile one");
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_THAT(none.err, HasSubstr("the nearest: style one.safetensors"));
  add("loras/sub/sd.safetensors", {{"x.lora_down.weight", zeros({1, 2})}});
  fs::create_directory(folder_ / "checkpoints/sub2");
  fs::rename(folder_ / "checkpoints/sd.safetensors", folder_ / "checkpoints/sub2/sd.safetensors");
  const Result two = refusal("sd");
  EXPECT_EQ(two.exit_code, 2);
  EXPECT_THAT(two.err, HasSubstr("sd is the name of 2 models: sub/sd.safetensors, sub2/sd.safetensors"));
}

}  // namespace
}  // namespace safelight::test
