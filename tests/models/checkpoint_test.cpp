// Where a model's tensors come from: folders, variants, shards, separate files; and what is refused.
#include "models/checkpoint.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstring>

#include "models/missing_parts.h"
#include "models/model_files.h"
#include "models/random_checkpoint.h"
#include "models/stable_diffusion.h"
#include "models/test_backends.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr const char* kVae = "first_stage_model.";

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

class CheckpointTest : public ::testing::Test {
 protected:
  // A folder as diffusers writes it, in which a test may change something.
  fs::path diffusers(const std::string& name = "model") const {
    write_diffusers_folder(folder_ / name);
    return folder_ / name;
  }

  std::string opening(const fs::path& path, const CheckpointSources& sources = {}) const {
    try {
      const auto backend = make_backend("reference");
      StableDiffusion::open(Checkpoint::open(path, sources), *backend);
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      return e.what();
    }
    return "opened";
  }

  TemporaryFolder folder_;
};

TEST_F(CheckpointTest, ASingleFile) {
  write_part(folder_ / "a.b.safetensors", renamed("", ""));
  const Checkpoint file = Checkpoint::open(folder_ / "a.b.safetensors");
  EXPECT_EQ(file.tensors().size(), small_model().tensors().size());
  EXPECT_EQ(file.files().size(), 1u);
  EXPECT_EQ(file.name(), "a.b");
  EXPECT_EQ(file.main_file(), file.path());
  EXPECT_EQ(file.metadata().at("format"), "pt");
  const std::byte* const begin = file.tensor(file.tensors().front()).data();
  for (const TensorInfo& info : file.tensors())  // borrowed, and in their order
    EXPECT_EQ(file.tensor(info).data() - begin, static_cast<std::ptrdiff_t>(info.begin));
  EXPECT_ERROR(Checkpoint::open(file.path(), {.variant = "fp16"}), usage,
               "is no folder with files of the variant fp16");
}

TEST_F(CheckpointTest, ADiffusersFolderAndWhatItsConfigurationSays) {
  const fs::path path = diffusers("v1.5");
  write_file(path / "vae/config.json", R"({"scaling_factor": 0.25})");
  write_file(path / "scheduler/scheduler_config.json",
             R"({"prediction_type": "v_prediction", "rescale_betas_zero_snr": true})");
  const Checkpoint checkpoint = Checkpoint::open(path / "");
  EXPECT_EQ(checkpoint.name(), "v1.5");
  EXPECT_EQ(checkpoint.main_file(), path / "unet/diffusion_pytorch_model.safetensors");
  EXPECT_EQ(checkpoint.files().size(), 3u);
  for (const TensorInfo& info : small_model().tensors()) {
    const TensorInfo* found = checkpoint.find(info.name);
    ASSERT_TRUE(found) << info.name;
    EXPECT_EQ(found->shape, info.shape);
    EXPECT_TRUE(same_bytes(checkpoint.tensor(*found), small_model().tensor(info)));
  }
  EXPECT_EQ(bytes_below(checkpoint, kVae), bytes_below(Checkpoint(small_model()), kVae));
  release_pages(checkpoint);  // nothing is lost by it
  const Checkpoint again = Checkpoint::open(path);
  EXPECT_TRUE(same_bytes(checkpoint.tensor(checkpoint.tensors().back()), again.tensor(again.tensors().back())));
  const CheckpointFacts& facts = checkpoint.facts();
  ASSERT_TRUE(facts.said);
  EXPECT_EQ(facts.said->prediction, Prediction::v);
  EXPECT_TRUE(facts.said->zero_terminal_snr);
  EXPECT_EQ(facts.latent_scale, 0.25);
  EXPECT_EQ(facts.latent_side, 24);
  EXPECT_THAT(facts.text_activations, ElementsAre(Pair("cond_stage_model.", Activation::quick_gelu)));
}

TEST_F(CheckpointTest, ConfigurationReachesTheModel) {
  const fs::path path = diffusers();
  write_file(path / "vae/config.json", R"({"scaling_factor": 0.25})");
  const auto backend = make_backend("reference");
  const StableDiffusion sd = StableDiffusion::open(path, *backend);
  EXPECT_EQ(sd.latent_scale, 0.25f);
  EXPECT_EQ(sd.default_width, 48);  // 24 latent pixels, and two levels in the VAE
}

TEST_F(CheckpointTest, TheActivationOfATextEncoderIsWhatItsConfigurationSays) {
  const fs::path path = diffusers();
  const auto backend = make_backend("reference");
  const auto encoded = [&](const CheckpointSources& sources = {}) {
    StableDiffusion sd = StableDiffusion::open(Checkpoint::open(path, sources), *backend);
    const Tensor context = sd.text_encoders({std::vector(1, std::vector<std::int32_t>(77, 7))}, 1).context;
    return std::vector<float>(context.floats().begin(), context.floats().end());
  };
  const std::vector<float> quick = encoded();
  fs::remove(path / "text_encoder/config.json");
  EXPECT_EQ(encoded(), quick);  // CLIP's own
  write_file(path / "text_encoder/config.json", R"({"hidden_act": "gelu"})");
  const std::vector<float> exact = encoded();
  EXPECT_NE(exact, quick);
  // What a folder says of its own encoder is not said of another in its place.
  write_part(folder_ / "words.safetensors", text_encoder_of_transformers());
  EXPECT_EQ(encoded({.text_encoders = {folder_ / "words.safetensors"}}), quick);
  EXPECT_EQ(encoded({.text_encoders = {path / "text_encoder/model.safetensors"}}), exact);
}

TEST_F(CheckpointTest, TheConfigurationOfAPartThatIsGivenBesidesCounts) {
  const fs::path path = diffusers(), other = diffusers("other"), vae = other / "vae";
  write_part(folder_ / "model.safetensors", renamed("", ""));
  write_file(vae / "config.json", R"({"scaling_factor": 0.25})");
  const auto scale = [](const fs::path& model, const fs::path& part) {
    return Checkpoint::open(model, {.vae = part}).facts().latent_scale;
  };
  for (const fs::path& model : {path, folder_ / "model.safetensors"})
    for (const char* part : {"vae", "vae/", "vae/diffusion_pytorch_model.safetensors"})
      EXPECT_EQ(scale(model, other / part), 0.25) << part;
  // Beside a file of another name, it may be of anything.
  fs::copy(vae / "diffusion_pytorch_model.safetensors", vae / "my.safetensors");
  EXPECT_EQ(scale(path, vae / "my.safetensors"), std::nullopt);
  EXPECT_EQ(Checkpoint::open(path, {.text_encoders = {other / "text_encoder"}}).facts().text_activations.size(), 1u);
  EXPECT_THAT(Checkpoint::open(path, {.text_encoders = {folder_ / "model.safetensors"}}).facts().text_activations,
              IsEmpty());
  write_file(vae / "config.json", R"({"scaling_factor": 0})");
  EXPECT_ERROR(scale(path, vae), format, "scaling_factor is 0, expected 0.001 to 1000");
  write_file(vae / "config.json", R"({"latent_channels": 16})");
  EXPECT_ERROR(scale(path, vae), model, "config.json says latent_channels 16");
}

TEST_F(CheckpointTest, TheConfigurationBesideAFileTellsThePrediction) {
  write_part(folder_ / "a.v1.safetensors", renamed("", ""));
  write_file(folder_ / "a.v1.yaml", "model:\n  params:\n    parameterization: v\n");
  const CheckpointFacts v = Checkpoint::open(folder_ / "a.v1.safetensors").facts();
  ASSERT_TRUE(v.said);
  EXPECT_EQ(v.said->prediction, Prediction::v);
  EXPECT_THAT(v.warnings, IsEmpty());
  for (const std::string& broken : {std::string("a: ["), std::string((1 << 20) + 1, '#')}) {
    write_file(folder_ / "a.v1.yaml", broken);
    const CheckpointFacts none = Checkpoint::open(folder_ / "a.v1.safetensors").facts();
    EXPECT_FALSE(none.said);
    EXPECT_THAT(none.warnings, ElementsAre(HasSubstr("its configuration a.v1.yaml says nothing: [")));
  }
  fs::remove(folder_ / "a.v1.yaml");
  ASSERT_EQ(::mkfifo((folder_ / "a.v1.yaml").c_str(), 0600), 0);  // nobody writes: nobody waits
  EXPECT_EQ(Checkpoint::open(folder_ / "a.v1.safetensors").facts().warnings.size(), 1u);
}

TEST_F(CheckpointTest, VariantsArePlainUnlessAsked) {
  const fs::path path = diffusers(), unet = path / "unet";
  const auto chosen = [&](const std::string& variant) {
    return Checkpoint::open(path, {.variant = variant}).main_file().filename().string();
  };
  EXPECT_ERROR(chosen("fp16"), usage, "has no files of the variant fp16, only plain ones");
  write_part(unet / "diffusion_pytorch_model.fp16.safetensors", unet_of_diffusers());
  write_shards(unet, "diffusion_pytorch_model", "non_ema", unet_of_diffusers());
  write_file(unet / "other.safetensors", "of another program");
  write_file(unet / "._diffusion_pytorch_model.safetensors", "of another system");
  EXPECT_EQ(chosen(""), "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(chosen("fp16"), "diffusion_pytorch_model.fp16.safetensors");  // the other parts have only plain files
  EXPECT_EQ(Checkpoint::open(unet).main_file().filename(), "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(Checkpoint::open(unet, {.variant = "fp16"}).main_file().filename(),
            "diffusion_pytorch_model.fp16.safetensors");
  EXPECT_ERROR(Checkpoint::open(unet, {.variant = "bf16"}), usage, "is no folder with files of the variant bf16");
  EXPECT_THAT(chosen("non_ema"), HasSubstr("diffusion_pytorch_model.non_ema-0000"));
  fs::remove(unet / "diffusion_pytorch_model.safetensors");
  EXPECT_ERROR(chosen(""), model, "has no plain .safetensors file, but those of variants: fp16, non_ema");
  EXPECT_ERROR(chosen("bf16"), model, "has no bf16 .safetensors file, but those of variants: fp16, non_ema");
  fs::remove(unet / "diffusion_pytorch_model.safetensors.index.non_ema.json");
  EXPECT_EQ(chosen(""), "diffusion_pytorch_model.fp16.safetensors");  // the only one that is left
}

TEST_F(CheckpointTest, ShardsMustAllBeThereAndInTheFolder) {
  const fs::path path = diffusers(), unet = path / "unet";
  fs::remove(unet / "diffusion_pytorch_model.safetensors");
  write_shards(unet, "diffusion_pytorch_model", "", unet_of_diffusers());
  EXPECT_EQ(opening(path), "opened");
  EXPECT_EQ(opening(unet / "diffusion_pytorch_model.safetensors.index.json",
                    {.vae = path / "vae/diffusion_pytorch_model.safetensors",
                     .text_encoders = {path / "text_encoder/model.safetensors"}}),
            "opened");
  fs::rename(unet / "diffusion_pytorch_model-00002-of-00002.safetensors", folder_ / "elsewhere.safetensors");
  EXPECT_ERROR(Checkpoint::open(path), io, "diffusion_pytorch_model-00002-of-00002.safetensors");
  std::string index = read_file(unet / "diffusion_pytorch_model.safetensors.index.json");
  for (std::size_t at; (at = index.find("diffusion_pytorch_model-00002-of-00002")) != std::string::npos;)
    index.replace(at, 38, "../../elsewhere");
  write_file(unet / "diffusion_pytorch_model.safetensors.index.json", index);
  EXPECT_ERROR(Checkpoint::open(path), format, "elsewhere.safetensors");
}

TEST_F(CheckpointTest, LinkedFilesAreRead) {  // as in the cache of huggingface_hub
  const fs::path path = diffusers();
  fs::rename(path / "vae/diffusion_pytorch_model.safetensors", folder_ / "blob");
  fs::create_symlink(folder_ / "blob", path / "vae/diffusion_pytorch_model.safetensors");
  EXPECT_EQ(opening(path), "opened");
}

struct BadFile {
  const char *file, *text, *complaint;
};

TEST_F(CheckpointTest, ConfigurationsThatLieOrAreNone) {
  const std::vector<BadFile> cases{
      {"model_index.json", "{", "is not JSON"},
      {"model_index.json", "[1]", "is not a JSON object"},
      {"model_index.json", R"({"unet": [null, null]})", "has no folder unet with a UNet"},
      {"model_index.json", R"({"force_zeros_for_empty_prompt": "yes"})", "is no true or false"},
      {"unet/config.json", R"({"in_channels": 9})",
       "tensor conv_in.weight has a size of 4, but config.json says in_channels 9"},
      {"unet/config.json", R"({"cross_attention_dim": 768})", "config.json says cross_attention_dim 768"},
      {"unet/config.json", R"({"sample_size": 1e9})",
       "sample_size is 1000000000, expected a whole number from 1 to 2048"},
      {"unet/config.json", R"({"sample_size": 24.5})", "sample_size is 24.5"},
      {"unet/config.json", R"({"sample_size": [24, 24]})", "sample_size is no number"},
      {"vae/config.json", R"({"scaling_factor": 0})", "scaling_factor is 0, expected 0.001 to 1000"},
      {"vae/config.json", R"({"scaling_factor": "0.18215"})", "scaling_factor is no number"},
      {"vae/config.json", R"({"latent_channels": 16})", "config.json says latent_channels 16"},
      {"text_encoder/config.json", R"({"hidden_act": "relu"})", "hidden_act is relu, expected quick_gelu or gelu"},
      {"scheduler/scheduler_config.json", R"({"prediction_type": "sample"})",
       "is sample, expected epsilon or v_prediction"},
      {"scheduler/scheduler_config.json", "\xFF", "is not JSON"},
      {"scheduler/scheduler_config.json", "", "is not JSON"}};
  const fs::path path = diffusers();
  for (const BadFile& bad : cases) {
    const std::string sound = read_file(path / bad.file);
    write_file(path / bad.file, bad.text);
    EXPECT_THAT(opening(path), HasSubstr(bad.complaint)) << bad.file;
    write_file(path / bad.file, sound);
  }
  EXPECT_EQ(opening(path), "opened");
  write_file(path / "unet/config.json", std::string((1u << 20) + 1, ' '));
  EXPECT_ERROR(Checkpoint::open(path), limit, "has 1048577 bytes, expected at most 1048576");
  write_file(path / "unet/config.json", std::string(100'000, '['));
  EXPECT_ERROR(Checkpoint::open(path), format, "is not JSON");
}

TEST_F(CheckpointTest, WhatIsNoFile) {
  const fs::path path = diffusers(), config = path / "vae/config.json",
                 file = path / "vae/diffusion_pytorch_model.safetensors";
  fs::remove(config);
  fs::create_symlink("/dev/zero", config);
  EXPECT_ERROR(Checkpoint::open(path), io, "config.json");
  fs::remove(config);
  fs::create_symlink("config.json", config);  // a circle
  EXPECT_ERROR(Checkpoint::open(path), io, "config.json");
  fs::remove(config);
  fs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_ERROR(Checkpoint::open(path), io, "diffusion_pytorch_model.safetensors");
  fs::remove(file);
  EXPECT_ERROR(Checkpoint::open(path), model, "vae has no .safetensors file");
  write_part(folder_ / "vae.safetensors", renamed(kVae, ""));
  EXPECT_EQ(opening(path, {.vae = folder_ / "vae.safetensors"}), "opened");
  write_file(path / "vae/diffusion_pytorch_model.bin", "x");
  EXPECT_ERROR(Checkpoint::open(path), model, "but diffusion_pytorch_model.bin, which `safelight convert` may turn");
  write_part(file, text_encoder_of_transformers());
  EXPECT_ERROR(Checkpoint::open(path), model, "is a text encoder of width 64 (tensor ");
  EXPECT_ERROR(Checkpoint::open(path), model, "expected a VAE");
  write_part(path / "vae/a.safetensors", vae_of_diffusers());
  write_part(path / "vae/b.safetensors", vae_of_diffusers());
  fs::remove(file);
  EXPECT_ERROR(Checkpoint::open(path), model, "has files of several models, a and b among them");
  fs::remove(path / "vae/b.safetensors");
  EXPECT_EQ(opening(path), "opened");  // the only one, whatever its name
}

TEST_F(CheckpointTest, MissingPartsAreNamedWithWhatToAdd) {
  write_part(folder_ / "unet.safetensors", unet_of_diffusers());
  write_part(folder_ / "vae.safetensors", renamed(kVae, ""));
  EXPECT_EQ(
      opening(folder_ / "unet.safetensors"),
      "[model] " + (folder_ / "unet.safetensors").string() +
          " has a UNet, but no text encoder (64 wide), no VAE decoder, no VAE encoder; add --text-encoder FILE and "
          "--vae FILE");
  EXPECT_THAT(
      opening(folder_ / "unet.safetensors", {.vae = folder_ / "vae.safetensors"}),
      HasSubstr("has a UNet, a VAE decoder, a VAE encoder, but no text encoder (64 wide); add --text-encoder FILE"));
  write_part(folder_ / "no-vae.safetensors", all_but(kVae));
  EXPECT_THAT(opening(folder_ / "no-vae.safetensors"),
              HasSubstr("has a UNet, a text encoder, but no VAE decoder, no VAE encoder; add --vae FILE"));
  EXPECT_THAT(opening(folder_ / "vae.safetensors"), HasSubstr("vae.safetensors is a VAE (tensor "));
}

TEST_F(CheckpointTest, PartsInPlaceOfTheModelsOwn) {
  const auto other = random_file([] {
    auto recipes = read_layout("small-trunk");
    for (TensorRecipe& recipe : recipes) recipe.scale *= 0.5f;
    return recipes;
  }());
  write_part(folder_ / "model.safetensors", renamed("", ""));
  write_part(folder_ / "other.safetensors", renamed("", ""), other);  // a whole checkpoint, for its VAE
  const Checkpoint mixed = Checkpoint::open(folder_ / "model.safetensors", {.vae = folder_ / "other.safetensors"});
  EXPECT_EQ(mixed.tensors().size(), small_model().tensors().size());
  EXPECT_EQ(mixed.files().size(), 2u);
  for (const TensorInfo& info : mixed.tensors()) {
    const SafeTensors& expected = info.name.starts_with(kVae) ? other : small_model();
    ASSERT_TRUE(same_bytes(mixed.tensor(info), expected.tensor(info.name))) << info.name;
  }
}

TEST_F(CheckpointTest, FilesThatAreNotWhatTheyAreGivenFor) {
  write_part(folder_ / "model.safetensors", renamed("", ""));
  write_part(folder_ / "vae.safetensors", vae_of_diffusers());
  write_part(folder_ / "text.safetensors", text_encoder_of_transformers());
  const fs::path model = folder_ / "model.safetensors", vae = folder_ / "vae.safetensors",
                 text = folder_ / "text.safetensors";
  EXPECT_ERROR(Checkpoint::open(model, {.vae = text}), model,
               "text.safetensors is a text encoder of width 64 (tensor ");
  EXPECT_ERROR(Checkpoint::open(model, {.text_encoders = {vae}}), model, "; expected a text encoder");
  EXPECT_ERROR(Checkpoint::open(model, {.text_encoders = {text, text}}), usage, "are both for one place");
  EXPECT_ERROR(Checkpoint::open(model, {.vae = folder_ / "none"}), io, "none");
}

// A UNet of XL's kind that reads text of width 96, and text encoders, in files of their own.
class TwoEncoders : public ::testing::Test {
 protected:
  static std::vector<TensorRecipe> unet() {
    return {{.name = "input_blocks.0.0.weight", .shape = {32, 4, 3, 3}},
            {.name = "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight", .shape = {32, 96}},
            {.name = "label_emb.0.0.weight", .shape = {4, 8}},
            {.name = "out.2.weight", .shape = {4, 32, 3, 3}}};
  }
  fs::path write(const std::string& name, const std::vector<TensorRecipe>& recipes) const {
    const std::vector<std::byte> bytes = file_bytes(recipes);
    write_file(folder_ / name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    return folder_ / name;
  }
  fs::path clip(const std::string& name, std::int64_t width, bool projects = false) const {
    std::vector<TensorRecipe> recipes{{.name = "text_model.embeddings.token_embedding.weight", .shape = {9, width}}};
    if (projects) recipes.push_back({.name = "text_projection.weight", .shape = {width, width}});
    return write(name, recipes);
  }
  fs::path open_clip(const std::string& name, std::int64_t width) const {
    return write(name, {{.name = "token_embedding.weight", .shape = {9, width}},
                        {.name = "positional_embedding", .shape = {77, width}},
                        {.name = "text_projection", .shape = {width, width}}});
  }
  Checkpoint open(const std::vector<fs::path>& text_encoders) const {
    return Checkpoint::open(write("unet", unet()), {.text_encoders = text_encoders});
  }
  // Where each of the places takes its text from.
  static std::string file_at(const Checkpoint& checkpoint, const std::string& place) {
    const auto below = checkpoint.below(place);
    const std::string where = below.empty() ? "none:" : checkpoint.where(below.front()->name);
    return fs::path(where.substr(0, where.find(':'))).filename();
  }
  static std::vector<std::string> files(const Checkpoint& checkpoint) {
    return {file_at(checkpoint, "conditioner.embedders.0."), file_at(checkpoint, "conditioner.embedders.1."),
            file_at(checkpoint, "cond_stage_model.")};
  }

  TemporaryFolder folder_;
};

TEST_F(TwoEncoders, AreToldApartByWidth) {
  const fs::path narrow = clip("narrow", 32), wide = open_clip("wide", 64), whole = open_clip("whole", 96);
  EXPECT_THAT(files(open({narrow, wide})), ElementsAre("narrow", "wide", "none"));
  EXPECT_THAT(files(open({wide, narrow})), ElementsAre("narrow", "wide", "none"));
  EXPECT_THAT(files(open({whole})), ElementsAre("whole", "none", "none"));  // as in the refiner
  const fs::path one = clip("one", 48), other = clip("other", 48, true);
  EXPECT_THAT(files(open({one, other})), ElementsAre("one", "other", "none"));
  EXPECT_THAT(files(open({other, one})), ElementsAre("one", "other", "none"));
  EXPECT_TRUE(open({other}).find("conditioner.embedders.1.transformer.text_projection.weight"));
  EXPECT_TRUE(open({wide}).find("conditioner.embedders.1.model.text_projection"));
}

TEST_F(TwoEncoders, TheOneThatIsMissingIsNamed) {
  const fs::path narrow = clip("narrow", 32), wide = open_clip("wide", 64), whole = open_clip("whole", 96);
  const auto lacking = [&](const std::vector<fs::path>& files) { return missing_parts(open(files)).lacking.front(); };
  EXPECT_EQ(lacking({}), "text encoders (96 wide together)");
  EXPECT_EQ(lacking({narrow}), "second text encoder (64 wide)");
  EXPECT_EQ(lacking({wide}), "first text encoder (32 wide)");
  EXPECT_EQ(lacking({narrow, wide}), "VAE decoder");
  EXPECT_EQ(lacking({whole}), "VAE decoder");
}

TEST(Checkpoint, OneTensorUnderTwoNames) {
  const SafeTensors file =
      random_file({{.name = "cond_stage_model.transformer.embeddings.token_embedding.weight", .shape = {1}},
                   {.name = "cond_stage_model.transformer.final_layer_norm.bias", .shape = {1}},
                   {.name = "cond_stage_model.transformer.text_model.final_layer_norm.bias", .shape = {1}}});
  EXPECT_ERROR(Checkpoint{file}, model,
               "expected one tensor cond_stage_model.transformer.text_model.final_layer_norm.bias, found "
               "cond_stage_model.transformer.");
}

TEST_F(CheckpointTest, ErrorsHaveTheNamesOfTheFile) {
  const fs::path path = diffusers(), file = path / "unet/diffusion_pytorch_model.safetensors";
  auto recipes = read_layout("small-trunk");
  find(recipes, "model.diffusion_model.input_blocks.1.0.in_layers.2.weight").shape[1] = 33;
  write_part(file, unet_of_diffusers(), random_file(recipes));
  EXPECT_EQ(opening(path), "[model] " + file.string() +
                               ": tensor down_blocks.0.resnets.0.conv1.weight (here "
                               "model.diffusion_model.input_blocks.1.0.in_layers.2.weight) has shape [32, 33, 3, 3], "
                               "expected [32, 32, 3, 3]");
  std::erase_if(recipes, [](const TensorRecipe& r) { return r.name.ends_with("input_blocks.1.0.in_layers.2.weight"); });
  write_part(file, unet_of_diffusers(), random_file(recipes));
  EXPECT_EQ(opening(path), "[model] " + file.string() +
                               ": tensor model.diffusion_model.input_blocks.1.0.in_layers.2.weight (ldm's name for it) "
                               "is missing");
}

}  // namespace
}  // namespace safelight::test
