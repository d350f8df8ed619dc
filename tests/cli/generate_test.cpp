// safelight generate, run as a user runs it: what it makes, and what it says to bad input.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>

#include "cli/program.h"
#include "image/infotext.h"
#include "models/model_files.h"
#include "models/random_checkpoint.h"
#include "safelight/picture.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using safelight::test::TensorRecipe;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;
using Arguments = std::vector<std::string>;
using Recipes = std::vector<TensorRecipe>;

class GenerateCommand : public ::testing::Test {
 protected:
  // Random weights: the pictures are noise, but everything happens.
  std::string model(std::string_view layout = "tiny") { return write_model(safelight::test::read_layout(layout)); }

  std::string write_model(const Recipes& recipes, std::size_t bytes_missing = 0) {
    const std::vector<std::byte> file = safelight::test::file_bytes(recipes);
    const std::filesystem::path path = inputs_ / "model.safetensors";
    write_file(path, std::string(reinterpret_cast<const char*>(file.data()), file.size() - bytes_missing));
    return path;
  }

  // A short run of 64 x 64 pixels, further arguments added.
  Arguments arguments(const std::string& model, const Arguments& more = {}) const {
    Arguments all{"generate", "-p", "a house", "-m", model,    "-o", folder_ / "out.png", "--steps", "2",
                  "-W",       "64", "-H",      "64", "--seed", "5"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  // The same at another size.
  static Arguments sized(Arguments all, const std::string& width, const std::string& height) {
    *(std::ranges::find(all, "-W") + 1) = width;
    *(std::ranges::find(all, "-H") + 1) = height;
    return all;
  }

  // The one line on the standard error with which it ends, having written nothing.
  std::string refusal(const Arguments& arguments, int exit_code, const RunOptions& options = {}) const {
    const Result result = run(arguments, options);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("safelight: "));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(folder_.files(), 0u);
    return result.err;
  }

  TemporaryFolder inputs_, folder_;
};

TEST_F(GenerateCommand, WritesAPictureWithItsSettings) {
  const Result result = run(arguments(model(), {"-n", "rain"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const PictureFile file = read_png(folder_ / "out.png");
  EXPECT_EQ(file.picture.width, 64);
  EXPECT_EQ(file.picture.height, 64);
  const Infotext info = parse_infotext(file.text.at("parameters"));
  EXPECT_EQ(info.prompt, "a house");
  EXPECT_EQ(info.negative_prompt, "rain");
  EXPECT_EQ(*info.find("Steps"), "2");
  EXPECT_EQ(*info.find("Sampler"), "DPM++ 2M");
  EXPECT_EQ(*info.find("Schedule type"), "Karras");
  EXPECT_EQ(*info.find("CFG scale"), "7");
  EXPECT_EQ(*info.find("Seed"), "5");
  EXPECT_EQ(*info.find("Size"), "64x64");
  EXPECT_EQ(*info.find("Model"), "model");
  EXPECT_THAT(*info.find("Model hash"), MatchesRegex("[0-9a-f]{10}"));
  EXPECT_THAT(result.out, StartsWith((folder_ / "out.png").native() + "  64 x 64, seed 5\n"));
}

TEST_F(GenerateCommand, WithoutAModelItUsesTheShippedOneAtItsOwnSize) {
  const Result result = run({"generate", "-p", "the sea at sunset", "-o", folder_ / "out.png", "--steps", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const PictureFile file = read_png(folder_ / "out.png");
  EXPECT_EQ(file.picture.width, 128);
  EXPECT_EQ(*parse_infotext(file.text.at("parameters")).find("Model"), "papercut");
}

TEST_F(GenerateCommand, ModelsInFoldersAndInSeveralFiles) {
  safelight::test::write_diffusers_folder(inputs_ / "paper", safelight::test::drawing_model());
  const std::string unet = inputs_ / "paper/unet/diffusion_pytorch_model.safetensors",
                    vae = inputs_ / "paper/vae/diffusion_pytorch_model.safetensors",
                    text = inputs_ / "paper/text_encoder/model.safetensors";
  EXPECT_THAT(
      refusal(arguments(unet), 5),
      HasSubstr("has a UNet, but no text encoder (64 wide), no VAE decoder, no VAE encoder; add --text-encoder FILE "
                "and --vae FILE"));
  EXPECT_THAT(refusal(arguments(unet, {"--vae", text}), 5), HasSubstr("is a text encoder of width 64 (tensor "));
  EXPECT_THAT(refusal(arguments(unet, {"--text-encoder", text, "--text-encoder", text}), 2),
              HasSubstr("are both for one place"));
  EXPECT_THAT(refusal(arguments(unet, {"--variant", "fp16"}), 2),
              HasSubstr("is no folder with files of the variant fp16"));
  EXPECT_THAT(refusal(arguments(inputs_ / "paper", {"--variant", "fp16"}), 2),
              HasSubstr("has no files of the variant fp16, only plain ones"));
  EXPECT_THAT(refusal(arguments(inputs_ / "paper/scheduler"), 3), HasSubstr("has no .safetensors file"));
  const Result whole = run(sized(arguments(inputs_ / "paper"), "16", "16"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const PictureFile file = read_png(folder_ / "out.png");
  EXPECT_EQ(*parse_infotext(file.text.at("parameters")).find("Model"), "paper");
  const Result parts = run(sized(arguments(unet, {"--vae", vae, "--text-encoder", text}), "16", "16"));
  ASSERT_EQ(parts.exit_code, 0) << parts.err;
  const PictureFile again = read_png(folder_ / "out.png");
  EXPECT_EQ(again.picture.rgb, file.picture.rgb);
  const Infotext info = parse_infotext(again.text.at("parameters"));
  EXPECT_EQ(*info.find("VAE"), "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(*info.find("Text encoder"), "model.safetensors");
}

TEST_F(GenerateCommand, TheSameSeedIsTheSameFileAtAnyNumberOfThreads) {
  const std::string path = model();
  ASSERT_EQ(run(arguments(path, {"--threads", "1"})).exit_code, 0);
  const std::string one = read_file(folder_ / "out.png");
  ASSERT_EQ(run(arguments(path, {"--threads", "3"})).exit_code, 0);
  EXPECT_EQ(read_file(folder_ / "out.png"), one);
}

TEST_F(GenerateCommand, SeveralPicturesHaveSeedsInARow) {
  const std::string path = model();
  const Result result = run(arguments(path, {"--count", "2", "--quiet"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, (folder_ / "out-1.png").native() + "\n" + (folder_ / "out-2.png").native() + "\n");
  Arguments second = arguments(path, {"--quiet"});
  *(std::ranges::find(second, "--seed") + 1) = "6";
  ASSERT_EQ(run(second).exit_code, 0);
  EXPECT_EQ(read_png(folder_ / "out.png").picture.rgb, read_png(folder_ / "out-2.png").picture.rgb);
  EXPECT_NE(read_png(folder_ / "out.png").picture.rgb, read_png(folder_ / "out-1.png").picture.rgb);
}

TEST_F(GenerateCommand, TheSeedCanBePartOfTheNameWhoseEndIsTheFormat) {
  Arguments named = arguments(model(), {"--quiet"});
  *(std::ranges::find(named, "-o") + 1) = folder_ / "a-{seed}.webp";
  ASSERT_EQ(run(named).exit_code, 0);
  const PictureFile file = read_picture(folder_ / "a-5.webp");
  EXPECT_EQ(file.format, PictureFormat::webp);
  EXPECT_THAT(file.text.at("parameters"), HasSubstr("Seed: 5,"));
}

TEST_F(GenerateCommand, ThePrecisionIsAmongTheSettingsUnlessItIsFull) {
  const std::string path = model();
  const auto setting = [&](const Arguments& more) {
    const Result result = run(arguments(path, more));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    const Infotext info = parse_infotext(read_png(folder_ / "out.png").text.at("parameters"));
    return info.find("Precision") ? *info.find("Precision") : "none";
  };
  EXPECT_EQ(setting({}), "none");
  EXPECT_EQ(setting({"--precision", "int8"}), "int8");
}

TEST_F(GenerateCommand, TheJsonSummaryHasEveryPhase) {
  const Result result = run(arguments(model(), {"--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(std::ranges::count(result.out, '\n'), 1);
  for (const char* key : {"files",
                          "model",
                          "prompt",
                          "width",
                          "height",
                          "steps",
                          "cfg",
                          "sampler",
                          "schedule",
                          "rng",
                          "precision",
                          "cache",
                          "guidance_interval",
                          "seed",
                          "count",
                          "open_ms",
                          "text_ms",
                          "mean_step_ms",
                          "decode_ms",
                          "total_ms",
                          "peak_memory_bytes",
                          "warnings"})
    EXPECT_THAT(result.out, HasSubstr("\"" + std::string(key) + "\":"));
  EXPECT_THAT(result.out, HasSubstr("{\"path\":\"" + (folder_ / "out.png").native() + "\",\"seed\":5}"));
}

TEST_F(GenerateCommand, TheDumpHasEveryValueAndItsNoiseStartsTheSamePicture) {
  const std::string path = model();
  const std::filesystem::path dump = inputs_ / "dump";
  ASSERT_EQ(run(arguments(path, {"--dump", dump, "--rng", "cpu"})).exit_code, 0);
  const std::string picture = read_file(folder_ / "out.png");
  const auto shape = [&](const std::string& name) {
    return SafeTensors::open(dump / (name + ".safetensors")).tensor(name).shape();
  };
  EXPECT_EQ(shape("token_ids"), (Shape{2, 77}));
  EXPECT_EQ(shape("text_embeddings"), (Shape{2, 77, 64}));
  EXPECT_EQ(shape("start_noise"), (Shape{1, 4, 8, 8}));
  EXPECT_EQ(shape("latents_001"), (Shape{1, 4, 8, 8}));
  EXPECT_EQ(shape("latents_002"), (Shape{1, 4, 8, 8}));
  EXPECT_EQ(shape("picture"), (Shape{1, 3, 64, 64}));

  const std::string noise = dump / "start_noise.safetensors";
  ASSERT_EQ(run(arguments(path, {"--init-latents", noise, "--rng", "cpu", "--quiet"})).exit_code, 0);
  EXPECT_EQ(read_file(folder_ / "out.png"), picture);
}

TEST_F(GenerateCommand, LessWorkPerStepIsInTheSettingsAndTheSummary) {
  const std::string path = model();
  const Result result = run(arguments(path, {"--json", "--cache", "2", "--guidance-interval", "0,0.50"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(",\"cache\":2,\"guidance_interval\":[0,0.5],"));
  const Infotext info = parse_infotext(read_png(folder_ / "out.png").text.at("parameters"));
  EXPECT_EQ(*info.find("Cache"), "2");
  EXPECT_EQ(*info.find("Guidance interval"), "0-0.5");
}

TEST_F(GenerateCommand, TheFamilysOptionsAreTaken) {
  const std::string path = model("tiny-sdxl");
  const std::filesystem::path dump = inputs_ / "dump";
  const Result result = run(arguments(path, {"--quiet", "--prediction", "v", "--zero-terminal-snr", "--original-size",
                                             "640x480", "--crop", "16,8", "--target-size", "512x512", "--dump", dump}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Infotext info = parse_infotext(read_png(folder_ / "out.png").text.at("parameters"));
  EXPECT_EQ(*info.find("Prediction"), "v");
  EXPECT_EQ(*info.find("Zero terminal SNR"), "true");
  EXPECT_EQ(*info.find("Original size"), "640x480");
  EXPECT_EQ(*info.find("Crop"), "16x8");
  EXPECT_EQ(*info.find("Target size"), "512x512");
  const auto shape = [&](const std::string& name) {
    return SafeTensors::open(dump / (name + ".safetensors")).tensor(name).shape();
  };
  EXPECT_EQ(shape("token_ids_2"), (Shape{2, 77}));
  EXPECT_EQ(shape("text_vector"), (Shape{2, 2816}));
}

TEST_F(GenerateCommand, AnEmptyPromptIsAllowed) {
  Arguments empty = arguments(model(), {"--quiet"});
  *(std::ranges::find(empty, "-p") + 1) = "";
  const Result result = run(empty);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(GenerateCommand, APromptThatIsTooLongIsCutWithAWarning) {
  std::string prompt;
  for (int i = 0; i < 100; ++i) prompt += "house ";
  Arguments lengthy = arguments(model(), {"--quiet"});
  *(std::ranges::find(lengthy, "-p") + 1) = prompt;
  const Result result = run(lengthy);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, StartsWith("safelight: warning: the prompt has 100 tokens, 25 more than the model reads"));
}

TEST_F(GenerateCommand, WarnsOfMarkupThatItReadsAsText) {
  Arguments weighted = arguments(model(), {"--quiet", "-n", "<lora:x:1>"});
  *(std::ranges::find(weighted, "-p") + 1) = "a (red:1.2) house";
  const Result result = run(weighted);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, StartsWith("safelight: warning: the prompt has (red:1.2), which is read as plain text"));
  EXPECT_THAT(result.err, HasSubstr("the negative prompt has <lora:x:1>"));
}

TEST_F(GenerateCommand, TheProgressLineIsTakenOffTheTerminal) {
  const Result result = run(arguments(model()), {.environment = {"LC_ALL=C"}, .terminal = true});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("\rstep 1/2  ####"));
  const std::size_t cleared = result.err.rfind("\r\x1b[K");
  ASSERT_NE(cleared, std::string::npos);
  EXPECT_THAT(result.err.substr(cleared), MatchesRegex("\r\x1b.Kopen [0-9]+ ms, text .*peak memory [0-9]+ MB\r\n"));
}

TEST_F(GenerateCommand, CtrlCStopsWithinAStepAndLeavesNoFile) {
  const std::filesystem::path dump = inputs_ / "dump";
  Arguments endless = arguments(model(), {"--dump", dump});
  *(std::ranges::find(endless, "--steps") + 1) = "1000";
  const auto stepping = [&] { return std::filesystem::exists(dump / "latents_002.safetensors"); };
  EXPECT_THAT(refusal(endless, 130, {.interrupt_when = stepping}), HasSubstr("cancelled"));
  EXPECT_FALSE(std::filesystem::exists(dump / "latents_500.safetensors"));
}

// --- memory ---------------------------------------------------------------------------------------------------------

TEST_F(GenerateCommand, ThePlanIsPrintedAndNothingIsMade) {
  const std::string path = model();
  const Result text = run(arguments(path, {"--plan", "--count", "2"}));
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, StartsWith("2 pictures of 64 x 64 pixels, 2 steps of dpmpp_2m, karras schedule\n  text "));
  for (const char* part :
       {"\n  step ", " each, 2 pictures together\n", "\n  decode ", " as a whole\n", "\npeak memory ", " in all\n"})
    EXPECT_THAT(text.out, HasSubstr(part));
  EXPECT_EQ(text.err, "");

  const Result json = run(arguments(path, {"--plan", "--json"}));
  ASSERT_EQ(json.exit_code, 0) << json.err;
  EXPECT_EQ(std::ranges::count(json.out, '\n'), 1);
  for (const char* key : {"model", "width", "height", "steps", "count", "sampler", "schedule", "rng", "decode_tiles",
                          "texts_in_turn", "program_bytes", "text", "step", "decode", "weight_bytes",
                          "activation_bytes", "ms", "peak_memory_bytes", "total_ms"})
    EXPECT_THAT(json.out, HasSubstr("\"" + std::string(key) + "\":"));
  EXPECT_EQ(folder_.files(), 0u);
  EXPECT_THAT(refusal(sized(arguments(path, {"--plan"}), "63", "64"), 2), HasSubstr("[width]"));
  EXPECT_THAT(refusal(arguments(path, {"--plan", "--max-memory", "1MB"}), 6), HasSubstr("[max-memory]"));
}

#ifndef SAFELIGHT_SANITIZED  // of the memory that a sanitized process has, most is the sanitizer's

// The number behind a key, the first time that it comes.
double number(const std::string& json, const std::string& key) {
  const std::size_t at = json.find("\"" + key + "\":");
  EXPECT_NE(at, std::string::npos) << key << " in " << json;
  return at == std::string::npos ? 0 : std::stod(json.substr(at + key.size() + 3));
}

TEST_F(GenerateCommand, MemoryIsWhatThePlanSays) {
  const Arguments all = sized(arguments(model(), {"--json"}), "512", "384");
  Arguments asked = all;
  asked.emplace_back("--plan");
  const Result plan = run(asked), made = run(all);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const double said = number(plan.out, "peak_memory_bytes"), was = number(made.out, "peak_memory_bytes");
  EXPECT_NEAR(was / said, 1, 0.05);
}

TEST_F(GenerateCommand, MaxMemoryIsKept) {
  const std::string path = model();
  const auto with = [&](Arguments more) {
    more.emplace_back("--json");
    const Result result = run(sized(arguments(path, more), "512", "384"));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  };
  const double whole = number(with({"--plan"}), "peak_memory_bytes");
  const std::string limit = std::to_string(static_cast<std::int64_t>(whole * 0.6));
  EXPECT_GT(number(with({"--plan", "--max-memory", limit}), "decode_tiles"), 1);
  const std::string made = with({"--max-memory", limit});
  EXPECT_GT(number(made, "decode_tiles"), 1);
  EXPECT_LT(number(made, "peak_memory_bytes"), whole * 0.6);
  EXPECT_EQ(read_png(folder_ / "out.png").picture.width, 512);
}

#endif

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
      {{"--max-memory", "0"}, 2, "--max-memory"},
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
      {{"--precision", "magic"}, 2, "[precision] expected one of full, int8, found 'magic'"},
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
