// What safelight generate says to bad input.
#include <sys/stat.h>

#include "cli/generate_command.h"
#include "models/model_files.h"
#include "safelight/picture.h"
#include "safelight/safetensors.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// --- bad input: model files -----------------------------------------------------------------------------------------

TEST_F(GenerateCommand, RefusesAModelThatCannotBeRead) {
  EXPECT_THAT(refusal(arguments(inputs_ / "none.safetensors"), 3), HasSubstr("none.safetensors"));
  EXPECT_THAT(refusal(arguments(inputs_.path()), 3), HasSubstr(inputs_.path().native()));
  const std::filesystem::path pipe = inputs_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  refusal(arguments(pipe), 3);
}

TEST_F(GenerateCommand, RefusesFilesOfOtherKindsByName) {
  const auto refused = [&](const std::string& bytes) {
    write_file(inputs_ / "model.safetensors", bytes);
    return refusal(arguments(inputs_ / "model.safetensors"), 4);
  };
  EXPECT_THAT(refused("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"), HasSubstr("Git LFS"));
  EXPECT_THAT(refused("\x80\x02}q\x01(X\x05" + std::string(100, 'x')), HasSubstr("pickle"));
  EXPECT_THAT(refused("<!DOCTYPE html><html><title>Sign in</title></html>"), HasSubstr("web page"));
  refused("");
  refused(std::string(8, '\xFF') + "{}");            // a header of 2^64 - 1 bytes
  refused(std::string("\x02\0\0\0\0\0\0\0[]", 10));  // a header that is no object
  refused(std::string("\x40\0\0\0\0\0\0\0", 8) +     // a tensor far beyond the end
          R"({"a":{"dtype":"F32","shape":[99999999],"data_offsets":[0,9]}}    )");
}

TEST_F(GenerateCommand, RefusesATruncatedModel) {
  const std::string path = write_model(safelight::test::read_layout("small-trunk"), 1);
  refusal(arguments(path), 4);
}

TEST_F(GenerateCommand, RefusesAModelWithoutATensor) {
  Recipes recipes = safelight::test::read_layout("small-trunk");
  const std::string name = "model.diffusion_model.middle_block.1.norm.weight";
  std::erase_if(recipes, [&](const TensorRecipe& recipe) { return recipe.name == name; });
  EXPECT_THAT(refusal(arguments(write_model(recipes)), 5), HasSubstr("tensor " + name + " is missing"));
}

TEST_F(GenerateCommand, RefusesATensorOfAnotherShape) {
  Recipes recipes = safelight::test::read_layout("small-trunk");
  const std::string name = "first_stage_model.decoder.mid.block_1.conv1.weight";
  safelight::test::find(recipes, name).shape = {64, 64, 3, 1};
  EXPECT_THAT(refusal(arguments(write_model(recipes)), 5),
              HasSubstr("tensor " + name + " has shape [64, 64, 3, 1], expected [64, 64, 3, 3]"));
}

TEST_F(GenerateCommand, RefusesOtherModelsByName) {
  const Recipes lora{{"lora_unet_x.lora_down.weight", DType::F16, 0, 1, {4, 8}},
                     {"lora_unet_x.lora_up.weight", DType::F16, 0, 1, {8, 4}}};
  EXPECT_THAT(refusal(arguments(write_model(lora)), 5), HasSubstr("is a LoRA"));
  Recipes vae = safelight::test::read_layout("small-trunk");
  std::erase_if(vae, [](const TensorRecipe& recipe) { return !recipe.name.starts_with("first_stage_model."); });
  EXPECT_THAT(refusal(arguments(write_model(vae)), 5), HasSubstr("is a VAE"));
}

TEST_F(GenerateCommand, SaysWhereItLookedForTheShippedModel) {
  Arguments shipped = arguments("");
  const auto option = std::ranges::find(shipped, "-m");
  shipped.erase(option, option + 2);
  EXPECT_THAT(refusal(shipped, 3, {.environment = {"SAFELIGHT_MODEL=" + (inputs_ / "none").native()}}),
              HasSubstr((inputs_ / "none").native()));
}

// --- bad input: options ---------------------------------------------------------------------------------------------

struct Refused {
  Arguments arguments;  // a later option wins over an earlier one of the same name
  int exit_code;
  const char* says;
};

TEST_F(GenerateCommand, RefusesOptionsThatMakeNoSense) {
  const std::string path = model("small-trunk");  // pictures of any multiple of 2
  const std::vector<Refused> cases{
      {{"-W", "63"}, 2, "[width] expected a multiple of 2, found 63"},
      {{"-W", "0"}, 2, "[width]"},
      {{"-H", "-64"}, 2, "[height]"},
      {{"-W", "many"}, 2, "many"},
      {{"-W", "99999999999999999999"}, 2, "99999999999999999999"},
      {{"-W", "20000", "-H", "20000"}, 6, "20000 x 20000 pixels: expected at most 65535 a side and 268435456 in all"},
      {{"-W", "9000000000000000000"}, 6, "expected at most 65535 a side"},
      {{"--max-memory", "1MB"}, 6, "need at least"},
      {{"--max-memory", "0"}, 2, "--max-memory: expected more than 0, found 0"},
      {{"--max-memory", "-1"}, 2, "--max-memory"},
      {{"--max-memory", "0.0015GB"}, 6, "need at least"},
      {{"--max-memory", "2.5"}, 2, "--max-memory: expected a number of bytes such as 500MB, 2.5GB or 5GiB, found 2.5"},
      {{"--max-memory", "much"}, 2, "--max-memory"},
      {{"--steps", "0"}, 2, "[steps] expected 1 to 1000"},
      {{"--steps", "4294967297"}, 2, "[steps]"},
      {{"--cfg", "nan"}, 2, "[cfg]"},
      {{"--cache", "0"}, 2, "[cache] expected 1 to 25"},
      {{"--cache", "26"}, 2, "[cache] expected 1 to 25"},
      {{"--cache", "two"}, 2, "two"},
      {{"--guidance-interval", "0.8,0.2"}, 2, "[guidance-interval] expected FROM,TO with 0 <= FROM <= TO <= 1"},
      {{"--guidance-interval", "0,1.1"}, 2, "[guidance-interval] expected FROM,TO with"},
      {{"--guidance-interval", "nan,1"}, 2, "[guidance-interval] expected FROM,TO with"},
      {{"--guidance-interval", "0.2"}, 2, "[guidance-interval] expected two numbers FROM,TO, found 0.2"},
      {{"--guidance-interval", "0.2,0.8,1"}, 2, "[guidance-interval] expected two numbers"},
      {{"--guidance-interval", "0.2 0.8"}, 2, "[guidance-interval] expected two numbers"},
      {{"--guidance-interval", ",1"}, 2, "[guidance-interval] expected two numbers"},
      {{"--guidance-interval", ""}, 2, "[guidance-interval] expected two numbers"},
      {{"--count", "0"}, 2, "[count]"},
      {{"--count", "1000000000"}, 6, "GB"},
      {{"--seed", "-2"}, 2, "[seed]"},
      {{"--threads", "0"}, 2, "--threads"},
      {{"--threads", "1000000"}, 2, "--threads"},
      {{"--sampler", "magic"}, 2, "[sampler] expected one of Euler"},
      {{"--schedule", "magic"}, 2, "[schedule] expected one of"},
      {{"--rng", "magic"}, 2, "[rng] expected one of"},
      {{"--precision", "magic"}, 2, "[precision] expected one of full, bf16, int8, found 'magic'"},
      {{"--backend", "magic"}, 2, "magic"},
      {{"--prediction", "x0"}, 2, "[prediction] expected one of automatic, noise, v, found 'x0'"},
      {{"--original-size", "512"}, 2, "[original-size] expected two numbers WIDTHxHEIGHT, found 512"},
      {{"--original-size", ""}, 2, "[original-size] expected two numbers"},
      {{"--target-size", "512x512x3"}, 2, "[target-size] expected two numbers"},
      {{"--crop", "8x8"}, 2, "[crop] expected two numbers LEFT,TOP, found 8x8"},
      {{"--original-size", "512x512"}, 2, "is a Stable Diffusion 1 checkpoint, which does not take this"},
      {{"--target-size", "512x512"}, 2, "[target-size]"},
      {{"--crop", "0,0"}, 2, "[crop]"},
      {{"--aesthetic-score", "7"}, 2, "expected a Stable Diffusion XL refiner"},
      {{"--aesthetic-score", "high"}, 2, "high"},
      {{"--negative-aesthetic-score", "7"}, 2, "[negative-aesthetic-score]"},
      {{"-p", "caf\xe9"}, 2, "[prompt] expected UTF-8, found another byte at offset 3"},
      {{"-n", "\xff"}, 2, "[negative prompt] expected UTF-8"},
      {{"--init-latents", path}, 5, "expected one tensor"},
      {{"--no-such-option"}, 2, "--no-such-option"},
  };
  for (const Refused& c : cases) {
    SCOPED_TRACE(c.arguments.front() + " " + c.arguments.back());
    Arguments all{"generate", "-m", path, "-o", folder_ / "out.png"};
    if (c.arguments.front() != "-p") all.insert(all.end(), {"-p", "x"});
    all.insert(all.end(), c.arguments.begin(), c.arguments.end());
    EXPECT_THAT(refusal(all, c.exit_code), HasSubstr(c.says));
  }
}

TEST_F(GenerateCommand, ThePromptIsRequired) {
  EXPECT_THAT(refusal({"generate", "-m", "x", "-o", folder_ / "out.png"}, 2), HasSubstr("--prompt is required"));
}

TEST_F(GenerateCommand, InitialLatentsMustFit) {
  const std::string path = model("small-trunk");
  const std::vector<float> values(2 * 4 * 8 * 8);
  const auto refused = [&](const Shape& shape, const Arguments& more, int exit_code) {
    const NamedTensor tensor{"latents",
                             Tensor::from(std::span(values).first(static_cast<std::size_t>(elements(shape))), shape)};
    save(inputs_ / "latents.safetensors", {&tensor, 1});
    Arguments all{"generate",
                  "-p",
                  "x",
                  "-m",
                  path,
                  "-o",
                  folder_ / "out.png",
                  "--init-latents",
                  inputs_ / "latents.safetensors"};
    all.insert(all.end(), more.begin(), more.end());
    return refusal(all, exit_code);
  };
  EXPECT_THAT(refused({1, 3, 8, 8}, {}, 2),
              HasSubstr("expected shape [pictures, 4, height, width], found [1, 3, 8, 8]"));
  EXPECT_THAT(refused({4, 8, 8}, {}, 2), HasSubstr("found [4, 8, 8]"));
  EXPECT_THAT(refused({1, 4, 8, 8}, {"-W", "32"}, 2), HasSubstr("[width] expected 16"));
  EXPECT_THAT(refused({2, 4, 8, 8}, {"--count", "3"}, 2), HasSubstr("[count] expected 2"));
}

// --- bad input: output ----------------------------------------------------------------------------------------------

TEST_F(GenerateCommand, FindsAnUnwritableOutputBeforeTheWork) {
  const std::string nowhere = inputs_ / "no-model-is-even-opened";
  const auto refused = [&](const std::string& output, int exit_code) {
    return refusal({"generate", "-p", "x", "-m", nowhere, "-o", output}, exit_code);
  };
  EXPECT_THAT(refused("picture.gif", 2), HasSubstr(".png"));
  EXPECT_THAT(refused("", 2), HasSubstr(".png"));
  EXPECT_THAT(refused(inputs_ / "missing" / "out.png", 3), HasSubstr("No such file or directory"));
  std::filesystem::create_directory(inputs_ / "folder.png");
  EXPECT_THAT(refused(inputs_ / "folder.png", 3), HasSubstr("not a regular file"));
  write_file(inputs_ / "file", "");
  EXPECT_THAT(refused(inputs_ / "file" / "out.png", 3), HasSubstr("Not a directory"));
  EXPECT_THAT(refused("/proc/out.png", 3), HasSubstr("/proc/out.png"));  // cannot be written to even by root
}

TEST_F(GenerateCommand, AFullDiskLeavesTheOldFileAndNothingElse) {
  const Arguments all = arguments(model(), {"--quiet"});
  const std::filesystem::path output = folder_ / "out.png";
  write_file(output, "old");
  const Result result = run(all, {.largest_file = 1000});
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, StartsWith("safelight: [file] cannot write " + output.native()));
  EXPECT_EQ(read_file(output), "old");
  EXPECT_EQ(folder_.files(), 1u);
}

}  // namespace
}  // namespace safelight::test
