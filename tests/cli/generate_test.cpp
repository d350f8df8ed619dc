// safelight generate, run as a user runs it: what it makes.
#include <cstdlib>

#include "cli/generate_command.h"
#include "image/infotext.h"
#include "models/model_files.h"
#include "safelight/hash.h"
#include "safelight/picture.h"
#include "safelight/safetensors.h"

namespace safelight::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

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
  EXPECT_THAT(refusal(arguments(unet, {"--vae", "no such name", "--text-encoder", text}), 3), HasSubstr("the nearest"));
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
  EXPECT_THAT(again.text.at("parameters"),  // A1111's order
              HasSubstr("Model: diffusion_pytorch_model, VAE hash: " + hash_file(vae).autov2 + ", VAE: "));
  EXPECT_EQ(parse_infotext(file.text.at("parameters")).find("VAE hash"), nullptr);
  const Result folder =
      run(sized(arguments(unet, {"--vae", inputs_ / "paper/vae/", "--text-encoder", text}), "16", "16"));
  ASSERT_EQ(folder.exit_code, 0) << folder.err;
  EXPECT_EQ(*parse_infotext(read_png(folder_ / "out.png").text.at("parameters")).find("VAE"), "vae");
  EXPECT_EQ(*info.find("Text encoder"), "model.safetensors");
  std::filesystem::create_directory(inputs_ / "models");
  std::filesystem::copy_file(vae, inputs_ / "models/sharp.safetensors");
  const Result named = run(sized(arguments(unet, {"--vae", "sharp", "--text-encoder", text}), "16", "16"),
                           {.environment = {"SAFELIGHT_MODELS=" + (inputs_ / "models").native()}});
  ASSERT_EQ(named.exit_code, 0) << named.err;
  EXPECT_EQ(*parse_infotext(read_png(folder_ / "out.png").text.at("parameters")).find("VAE"), "sharp.safetensors");
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

// Other bits come from another one.
TEST_F(GenerateCommand, TheJsonSummaryAndThePlanNameTheInstructionSet) {
  const std::string path = model();
  ASSERT_EQ(::setenv("SAFELIGHT_ISA", "sse4", 1), 0);
  const Result forced = run(arguments(path, {"--json"})), plan = run(arguments(path, {"--json", "--plan"}));
  ::unsetenv("SAFELIGHT_ISA");
  if (forced.exit_code == 2) {
    EXPECT_THAT(forced.err, HasSubstr("[cpu] no instruction set 'sse4' on this processor"));
  } else {
    EXPECT_THAT(forced.out, HasSubstr("\"instruction_set\":\"sse4\""));
    EXPECT_THAT(plan.out, HasSubstr("\"instruction_set\":\"sse4\""));
  }
  EXPECT_THAT(run(arguments(path, {"--json"})).out, ContainsRegex("\"instruction_set\":\"[a-z0-9]+\""));
  EXPECT_THAT(run(arguments(path, {"--json", "--backend", "reference"})).out, HasSubstr("\"instruction_set\":\"\""));
}

TEST_F(GenerateCommand, TheDumpHasEveryValueAndItsNoiseStartsTheSamePicture) {
  const std::string path = model();
  const std::filesystem::path dump = inputs_ / "dump";
  ASSERT_EQ(run(arguments(path, {"--dump", dump, "--rng", "cpu"})).exit_code, 0);
  const Picture picture = read_picture(folder_ / "out.png").picture;
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
  EXPECT_TRUE(read_picture(folder_ / "out.png").picture.rgb == picture.rgb);
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
  Result result = run(weighted);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, StartsWith("safelight: warning: the prompt has (red:1.2), which is read as plain text"));
  EXPECT_THAT(result.err, HasSubstr("the negative prompt has <lora:x:1>"));
  *(std::ranges::find(weighted, "-p") + 1) = "saber \\(fate\\)";
  result = run(weighted);
  EXPECT_THAT(result.err, HasSubstr("the prompt has \\\\(, which")) << "escaped once, as in all messages";
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

TEST_F(GenerateCommand, CtrlCSaysWhichPicturesAreThere) {
  const Arguments endless = arguments(model(), {"--count", "1000"});
  const std::filesystem::path output = *(std::ranges::find(endless, "-o") + 1);
  const std::filesystem::path folder = output.parent_path(), stem = output.stem();
  const auto written = [&] {
    const auto is_picture = [&](const auto& entry) {
      return entry.path().extension() == ".png" && entry.path().filename().native().starts_with(stem.native());
    };
    return std::ranges::count_if(std::filesystem::directory_iterator(folder), is_picture);
  };
  const Result result = run(endless, {.interrupt_when = [&] { return written() >= 2; }});
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, HasSubstr(std::to_string(written()) + " of 1000 pictures are written, the last is "));
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

}  // namespace
}  // namespace safelight::test
