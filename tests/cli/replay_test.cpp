// safelight replay, run as a user runs it.
#include <gmock/gmock.h>
#include <simdjson.h>

#include <algorithm>

#include "cli/program.h"
#include "models/model_files.h"
#include "models/random_checkpoint.h"
#include "safelight/hash.h"
#include "safelight/picture.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;
using Arguments = std::vector<std::string>;

class ReplayCommand : public ::testing::Test {
 protected:
  ReplayCommand() { write_part(models_ / "paper.safetensors", all_but("-"), drawing_model()); }

  Result run_here(const Arguments& arguments) const {
    return run(arguments, {.environment = {"SAFELIGHT_MODELS=" + models_.path().native(), "SAFELIGHT_MODEL=/none",
                                           "XDG_CACHE_HOME=" + (cache_ / "c").native()}});
  }

  void add_layout(const std::string& name, std::string_view layout) const {
    const std::vector<std::byte> bytes = file_bytes(read_layout(layout));
    write_file(models_ / name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  // Makes the picture that is replayed, with these arguments besides.
  PictureFile made(const Arguments& more, const std::string& command = "generate") const {
    Arguments all{command, "-p", "a 'red' house,\n(by a lake)", "-o", path("in.png"), "--steps", "2", "--seed", "5"};
    if (std::ranges::find(more, "--model") == more.end()) all.insert(all.end(), {"-m", models_ / "paper.safetensors"});
    all.insert(all.end(), more.begin(), more.end());
    const Result result = run_here(all);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_picture(path("in.png"));
  }

  // Replayed, it is the same picture and says the same, and the command line that --dry-run prints has these options.
  void expect_same(const PictureFile& original, const Arguments& options, const Arguments& files = {},
                   const std::string& picture = "in.png") const {
    Arguments all{"replay", path(picture), "-o", path("again.png"), "--json"};
    all.insert(all.end(), files.begin(), files.end());
    const Result replayed = run_here(all);
    ASSERT_EQ(replayed.exit_code, 0) << replayed.err;
    EXPECT_THAT(replayed.out, HasSubstr("\"unmet\":[],\"different_pixels\":0,"));
    expect_equal(read_picture(path("again.png")), original);
    all.push_back("--dry-run");
    const Result dry = run_here(all);
    ASSERT_EQ(dry.exit_code, 0) << dry.err;
    EXPECT_THAT(command_of(dry.out), IsSupersetOf(options));
  }

  static void expect_equal(const PictureFile& got, const PictureFile& expected) {
    EXPECT_TRUE(got.picture.rgb == expected.picture.rgb);
    EXPECT_EQ(got.text, expected.text);
  }

  static Arguments command_of(const std::string& json) {
    simdjson::dom::parser parser;
    const simdjson::padded_string padded(json);
    const simdjson::dom::array command = parser.parse(padded)["command"];
    Arguments words;
    for (const std::string_view word : command) words.emplace_back(word);
    return words;
  }

  // A picture with this text, as another program may have made it.
  std::string told(const std::string& parameters, const std::string& name = "told.png") const {
    write_picture(path(name), Picture(16, 16), {{"parameters", parameters}});
    return path(name);
  }

  std::string path(const std::string& name) const { return folder_ / name; }

  // The one line on the standard error with which it ends.
  std::string refusal(const Arguments& arguments, int exit_code) const {
    const Result result = run_here(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("safelight: "));
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    return result.err;
  }

  TemporaryFolder models_, cache_, folder_;
};

const std::string kTold = "a house\nSteps: 2, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 16x16, Model: paper";

TEST_F(ReplayCommand, OurPicturesComeBackBitForBit) {
  for (Arguments more :
       {Arguments{"--hires", "1.5", "--hires-strength", "0.7", "--hires-steps", "3", "--precision", "int8"},
        {"--hires", "24x32", "--hires-upscaler", "lanczos", "--rng", "cpu", "--sampler", "ddim"},
        {"--cache", "2", "--guidance-interval", "0.2,0.9", "--sampler", "euler_a", "--negative=-rain"},
        {"--sampler", "dpmpp_2m", "--schedule", "karras", "--prediction", "v", "--zero-terminal-snr"}}) {
    SCOPED_TRACE(more.front());
    const Arguments size{"--width", "16", "--height", "24"};
    more.insert(more.end(), size.begin(), size.end());
    expect_same(made(more), more);
  }
}

TEST_F(ReplayCommand, TheCommandLineMakesTheSamePicture) {
  const PictureFile original = made({"--hires", "24x16", "--cache", "2", "--negative=-rain", "--width", "16",
                                     "--height", "16", "--precision", "int8", "--cfg", "-4.25"});
  const Result dry = run_here({"replay", path("in.png"), "-o", path("again.png"), "--json", "--dry-run"});
  ASSERT_EQ(dry.exit_code, 0) << dry.err;
  const Result made_by_command = run_here(command_of(dry.out));
  ASSERT_EQ(made_by_command.exit_code, 0) << made_by_command.err << dry.out;
  expect_equal(read_picture(path("again.png")), original);
}

TEST_F(ReplayCommand, WhatXlWasTold) {
  add_layout("xl.safetensors", "tiny-sdxl");
  const Arguments more{"--model",         models_ / "xl.safetensors",
                       "--width",         "16",
                       "--height",        "16",
                       "--original-size", "500x700",
                       "--crop",          "8,16",
                       "--target-size",   "96x64"};
  expect_same(made(more), more);
}

TEST_F(ReplayCommand, OneOfABatchAlone) {
  const Result result = run_here({"generate",
                                  "-p",
                                  "a house",
                                  "-m",
                                  models_ / "paper.safetensors",
                                  "-o",
                                  path("many.png"),
                                  "--steps",
                                  "2",
                                  "--seed",
                                  "5",
                                  "-W",
                                  "16",
                                  "-H",
                                  "16",
                                  "--count",
                                  "3",
                                  "--batch",
                                  "3",
                                  "--sampler",
                                  "euler_a"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  expect_same(read_picture(path("many-2.png")), {"--seed", "6"}, {}, "many-2.png");
}

TEST_F(ReplayCommand, ModelsInSeveralFilesAndFolders) {
  const SafeTensors& model = drawing_model();
  write_part(models_ / "bare.safetensors", unet_of_diffusers(), model);
  write_part(models_ / "sharp.safetensors", vae_of_diffusers(), model);
  write_part(models_ / "words.safetensors", text_encoder_of_transformers(), model);
  const Arguments parts{"--model",        models_ / "bare.safetensors",
                        "--vae",          models_ / "sharp.safetensors",
                        "--text-encoder", models_ / "words.safetensors",
                        "--width",        "16",
                        "--height",       "16"};
  expect_same(made(parts), parts);
  const auto told_vae = [&](const std::string& fields) {
    return run_here({"replay", told(kTold + fields), "-m", models_ / "bare.safetensors", "--text-encoder",
                     models_ / "words.safetensors", "--dry-run", "--json"})
        .out;
  };
  const std::string right = hash_file(models_ / "sharp.safetensors").autov2;
  EXPECT_THAT(told_vae(", VAE hash: " + right + ", VAE: sharp.safetensors"), Not(HasSubstr("VAE hash")));
  EXPECT_THAT(told_vae(", VAE hash: 0123456789, VAE: sharp.safetensors"),
              HasSubstr(R"({"field":"VAE hash","value":"0123456789","reason":")" +
                        (models_ / "sharp.safetensors").native() + " has " + right));
  EXPECT_THAT(told_vae(", VAE hash: 0123456789"), HasSubstr("the picture does not name the VAE; --vae names one"));
  fs::remove(models_ / "bare.safetensors");  // whose hash is that of the UNet in the folder
  write_diffusers_folder(models_ / "folder", model);
  for (const char* file : {"unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model", "text_encoder/model"})
    fs::rename(models_ / ("folder/" + std::string(file) + ".safetensors"),
               models_ / ("folder/" + std::string(file) + ".fp16.safetensors"));
  const Arguments folder{"--model", models_ / "folder", "--variant", "fp16", "--width", "16", "--height", "16"};
  expect_same(made(folder), folder);
}

TEST_F(ReplayCommand, PicturesFromPictures) {
  write_file(models_ / "edits.safetensors", tiny_file(8));
  Picture picture(24, 16), mask(24, 16);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 11 % 241);
  for (std::int64_t y = 4; y < 12; ++y) std::fill_n(mask.at(8, y), 3 * 8, std::uint8_t{255});
  write_picture(path("source.png"), picture);
  write_picture(path("mask.png"), mask);
  struct Case {
    std::string command;
    Arguments more, files;
  };
  const Arguments input{"-i", path("source.png")};
  const Arguments both{"-i", path("source.png"), "--mask", path("mask.png")};
  for (const Case& c : {Case{"transform", {"--strength", "0.7", "--width", "16", "--resize", "stretch"}, input},
                        {"inpaint", {"--mask-blur", "2.5", "--invert", "--no-composite"}, both},
                        {"inpaint",
                         {"--only-masked", "--padding", "9", "--width", "16", "--height", "16", "--strength", "0.7",
                          "--masked-content", "fill"},
                         both},
                        {"outpaint", {"--extend", "left=0,top=8,right=9,bottom=0", "--overlap", "8"}, input},
                        {"edit", {"--model", models_ / "edits.safetensors", "--image-cfg", "1.2"}, input}}) {
    SCOPED_TRACE(c.command + " " + c.more.front());
    Arguments more = c.more;
    more.insert(more.end(), c.files.begin(), c.files.end());
    expect_same(made(more, c.command), c.more, c.files);
    EXPECT_THAT(
        refusal({"replay", path("in.png")}, 2),
        HasSubstr("in.png was made by " + c.command +
                  " from another picture, which it does not hold: expected --input" +
                  (c.command == "inpaint" ? ", and --mask unless it is transparent where it was repainted" : "") +
                  "; or see --dry-run for the command line of safelight " + c.command));
  }
  const Result dry = run_here({"replay", path("in.png"), "--dry-run"});
  EXPECT_THAT(dry.out, StartsWith("safelight edit --input INPUT --prompt "));
}

TEST_F(ReplayCommand, TheCommandLineIsOneForAShell) {
  const std::string picture = told("it's a\x1b house\nNegative prompt: rain, fog\n" + kTold.substr(8));
  const Result dry = run_here({"replay", picture, "--dry-run"});
  ASSERT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_EQ(dry.out, "safelight generate --prompt $'it\\'s a\\x1b house' --negative 'rain, fog' --model " +
                         (models_ / "paper.safetensors").native() +
                         " --output told-replay.png --width 16 --height 16 --steps 2 --cfg 7 --sampler euler "
                         "--schedule automatic --seed 5\n");
}

TEST_F(ReplayCommand, StartNoiseFromAFileMustBeGivenAgain) {
  made({"-W", "16", "-H", "16", "--rng", "cpu", "--dump", path("dump")});
  const Arguments noise{"--init-latents", path("dump/start_noise.safetensors")};
  const PictureFile original = made(noise);
  const Result without = run_here({"replay", path("in.png"), "-o", path("again.png"), "-q"});
  EXPECT_THAT(without.err, HasSubstr("warning: not as in the picture: Start noise given: it is not in the picture"));
  const Result with = run_here({"replay", path("in.png"), "-o", path("again.png"), noise[0], noise[1]});
  EXPECT_THAT(with.err, HasSubstr("every pixel is as in " + path("in.png")));
  EXPECT_TRUE(read_picture(path("again.png")).picture.rgb == original.picture.rgb);
}

TEST_F(ReplayCommand, OtherProgramsPicturesInAllFormats) {
  const std::string text = kTold + ", Clip skip: 2, VAE: other.safetensors, Model hash: 0123456789";
  for (const char* name : {"a.png", "a.jpg", "a.webp"}) {
    const Result result = run_here({"replay", told(text, name), "--dry-run", "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    for (const char* part :
         {"\"field\":\"Clip skip\",\"value\":\"2\",\"reason\":", "\"field\":\"VAE\",\"value\":\"other.safetensors\"",
          "\"field\":\"Model hash\",\"value\":\"0123456789\""})
      EXPECT_THAT(result.out, HasSubstr(part)) << name;
  }
  const Result lossy = run_here({"replay", path("a.webp"), "-o", path("again.png"), "--json"});
  EXPECT_THAT(lossy.out, HasSubstr("\"different_pixels\":null"));
  const Result people = run_here({"replay", path("a.png"), "-o", path("again.png")});
  EXPECT_THAT(people.err,
              HasSubstr("safelight: warning: not as in the picture: Clip skip 2: the text encoder's layer"));
  EXPECT_THAT(people.err, HasSubstr(" % of the pixels are others than in " + path("a.png")));
  write_picture(
      path("c.png"), Picture(16, 16),
      {{"prompt",
        R"({"3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 2, "cfg": 3, "sampler_name": "euler",
      "scheduler": "normal", "denoise": 1.0, "positive": ["6", 0], "latent_image": ["5", 0], "model": ["4", 0]}},
      "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "scenery"}},
      "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 16, "height": 24}},
      "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "paper.safetensors"}}})"}});
  const Result comfy = run_here({"replay", path("c.png"), "-o", path("again.png"), "--json"});
  ASSERT_EQ(comfy.exit_code, 0) << comfy.err;
  for (const char* part : {"\"unmet\":[]", "\"rng\":\"cpu\"", "\"height\":24", "\"prompt\":\"scenery\"", "\"cfg\":3,"})
    EXPECT_THAT(comfy.out, HasSubstr(part));
}

TEST_F(ReplayCommand, WhatIsChosenCounts) {
  std::string text = kTold;
  text.replace(text.find("Euler"), 5, "UniPC");
  const std::string picture = told(text);
  EXPECT_THAT(
      refusal({"replay", picture}, 2),
      HasSubstr("[sampler] expected one of Euler, Euler a, DDIM, DPM++ 2M, found 'UniPC': with another this would "
                "not be the same picture; --sampler chooses one all the same"));
  const Result chosen = run_here({"replay", picture, "--sampler", "ddim", "--plan"});
  EXPECT_EQ(chosen.exit_code, 0);
  EXPECT_THAT(chosen.err, HasSubstr("Sampler UniPC: ddim was chosen in its place"));
  fs::copy_file(models_ / "paper.safetensors", models_ / "other.safetensors");
  const Result other = run_here({"replay", told(kTold), "-m", "other", "--dry-run"});
  EXPECT_THAT(other.out, HasSubstr((models_ / "other.safetensors").native()));
}

TEST_F(ReplayCommand, RefusesWhatMakesNoSense) {
  write_picture(path("mute.png"), Picture(8, 8));
  write_picture(path("prompt.png"), Picture(8, 8), {{"parameters", "only a prompt"}});
  write_file(path("text.png"), "no picture");
  const std::string picture = told(kTold);
  const std::string unknown =
      told("x\nSteps: 2, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 16x16, Model hash: 0123456789, Model: papper",
           "u.png");
  const std::string nameless = told("x\nSteps: 2, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 16x16", "n.png");
  const std::string odd = told("x\nSteps: two, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 16x16", "odd.png");
  struct Refused {
    Arguments arguments;
    int exit_code;
    std::string says;
  };
  const std::vector<Refused> cases{
      {{path("none.png")}, 3, "none.png"},
      {{path("text.png")}, 4, "expected a PNG, JPEG or WebP picture"},
      {{path("mute.png")}, 2, "mute.png does not say how it was made"},
      {{path("prompt.png")}, 2, "prompt.png does not say how it was made"},
      {{odd}, 4, "[Steps] expected a number in the picture's settings, found 'two'"},
      {{picture, "-i", picture}, 2, "[input] expected none: " + picture + " was made from words alone"},
      {{picture, "--mask", picture}, 2, "[mask] expected none: " + picture + " was made by generate"},
      {{picture, "-o", picture}, 2, "[output] expected another file than " + picture},
      {{picture, "-o", path("x.gif")}, 2, "x.gif"},
      {{picture, "-m", path("none.safetensors")}, 3, "none.safetensors: no file and no model of"},
      {{picture, "--sampler", "magic"}, 2, "found 'magic'"},
      {{picture, "--max-memory", "1MB", "-o", path("x.png")}, 6, "[max-memory]"},
      {{nameless}, 2, "[model] the picture does not say which model it was made with; -m names one"},
      {{unknown}, 3, "[model] papper [0123456789]: no file and no model of " + models_.path().native()},
      {{unknown}, 3, "the nearest: paper.safetensors"},
      {{unknown}, 3, "safelight models --hash computes the hashes that are missing; -m names one"},
  };
  for (const Refused& c : cases) {
    Arguments all{"replay"};
    all.insert(all.end(), c.arguments.begin(), c.arguments.end());
    SCOPED_TRACE(c.says);
    EXPECT_THAT(refusal(all, c.exit_code), HasSubstr(c.says));
  }
  EXPECT_EQ(run_here({"replay"}).exit_code, 2);
}

}  // namespace
}  // namespace safelight::test
