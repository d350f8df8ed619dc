#include "apps/cli/picture_options.h"

#include "apps/cli/arguments.h"
#include "core/fail.h"
#include "core/number_text.h"
#include "core/printable.h"
#include "safelight/safetensors.h"

namespace safelight::cli {
namespace {

std::int64_t given_side(std::string_view what, const std::optional<std::int64_t>& side) {
  if (side && *side < 1) fail(ErrorCategory::usage, "[{}] expected 1 pixel or more, found {}", what, *side);
  return side.value_or(0);
}

// -1 asks for a random seed, as in other programs.
std::optional<std::uint64_t> given_seed(const std::optional<std::int64_t>& seed) {
  if (!seed || *seed == -1) return std::nullopt;
  if (*seed < 0) fail(ErrorCategory::usage, "[seed] expected 0 or more, or -1 for a random one; found {}", *seed);
  return static_cast<std::uint64_t>(*seed);
}

// "0.2,0.8"
GuidanceInterval given_interval(const std::string& text) {
  const auto found = two_numbers<double>(text, ',');
  if (!found) fail(ErrorCategory::usage, "[guidance-interval] expected two numbers FROM,TO, found {}", printable(text));
  return {.from = found->first, .to = found->second};
}

Tensor load_single_tensor(const std::string& path) {
  const SafeTensors file = SafeTensors::open(path);
  if (file.tensors().size() != 1)
    fail(ErrorCategory::model, "[init-latents] {}: expected one tensor, found {}", printable(path),
         file.tensors().size());
  return file.tensor(file.tensors().front());
}

}  // namespace

void add_prompt_options(Command command, PictureArguments& o) {
  command.add_option("-p,--prompt", o.generate.prompt, "What the picture shows").required();
  add_negative_option(command, o);
}

void add_negative_option(Command command, PictureArguments& o) {
  command.add_option("-n,--negative", o.generate.negative_prompt, "What it should not show");
}

void add_output_options(Command command, PictureArguments& o) {
  command
      .add_option("-o,--output", o.output,
                  "Where the picture goes, as .png, .jpg or .webp; {seed} in the name is replaced")
      .show_default();
}

void add_size_options(Command command, PictureArguments& o, const std::string& meaning) {
  command.add_option("-W,--width", o.width, meaning);
  command.add_option("-H,--height", o.height, "Likewise");
}

void add_sampling_options(Command command, PictureArguments& o) {
  GenerateOptions& g = o.generate;
  command.add_option("--steps", g.steps, "Denoising steps, 1 to 1000").show_default();
  command.add_option("--cfg", g.cfg, "How strictly the prompt is followed; 1 ignores the negative prompt")
      .show_default();
  command
      .add_option(
          "--guidance-interval", o.guidance_interval,
          "Guide only the steps i of n, from 0, with FROM <= i/n < TO: 0,1 is all of them. The others take half\n"
          "the work, and the picture changes")
      .shown_as("FROM,TO")
      .show_default();
  command
      .add_option(
          "--cache", g.cache,
          "Compute only every N-th step in full; those between reuse its deep features. 1: all in full; 2 or 3\n"
          "save much time, and the picture changes")
      .shown_as("N")
      .show_default();
  command.add_option("--sampler", g.sampler, "euler, euler_a, ddim or dpmpp_2m").show_default();
  command.add_option("--schedule", g.schedule, "automatic (what suits the sampler), normal or karras").show_default();
  add_micro_options(command, o.micro);
  command.add_option("--seed", o.seed, "Same seed, same picture; without it or with -1, a random one");
  command.add_option("--count", g.count, "Number of pictures, with seeds N, N+1, ... and names NAME-1.png, ...");
  command
      .add_option("--batch", g.batch,
                  "Pictures that go through the UNet together; 0: as many as memory and size suggest. They are the\n"
                  "same pictures either way")
      .shown_as("N")
      .show_default();
}

void add_run_options(Command command, PictureArguments& o) {
  GenerateOptions& g = o.generate;
  command.add_option("--rng", g.rng, "Start noise: philox (as on a GPU, and in A1111) or cpu (as torch on a CPU)")
      .show_default();
  command
      .add_option("--precision", g.precision,
                  "full; bf16: UNet and VAE rounded to half the bits, hardly another picture, for processors\n"
                  "with AMX, where large models are twice as fast, or AVX512_BF16, 1.4 times; or int8: the\n"
                  "UNet's linear layers in 8 bits, faster with AVX-512 VNNI or AMX, slightly another picture")
      .show_default();
  add_machine_options(command, o);
}

void add_machine_options(Command command, PictureArguments& o) {
  add_threads_option(command, o.threads);
  command.add_option("--backend", o.backend, "cpu, or reference (slow, exact)").show_default();
  command.add_flag("--no-measuring", o.no_measuring,
                   "Do not try which ways to cut the work are fastest here (they are kept for the next run); the\n"
                   "picture is the same either way");
  command.add_option("--init-latents", o.initial_latents, "Start noise from a file: one tensor, [n, 4, h, w]");
  command.add_option(
      "--dump", o.dump,
      "Folder for what happens inside, as .safetensors: token_ids, text_embeddings (of SDXL also\n"
      "token_ids_2 and text_vector), start_noise, latents_001 and so on after every step, picture, and\n"
      "what a picture that is worked on became: picture_latents, seen_latents, mask; in folders 1, 2, ...\n"
      "if there are several");
  command
      .add_option("--max-memory", o.generate.max_memory,
                  "Most bytes in memory, the model's file included; 2600MB and 2.5GB are understood. Where it is\n"
                  "short, fewer pictures go together, and they are decoded in tiles; where that is not enough,\n"
                  "nothing is begun. To change nothing it must be 2 % above the peak that --plan prints")
      .size_in_bytes()
      .positive();
  command.add_flag("--plan", o.plan, "Print what would be done, and what memory and time it would take; make nothing");
  command.add_flag("--json", o.json, "Print one JSON object at the end, and nothing else");
  command.add_flag("-q,--quiet", o.quiet, "No progress; print only the paths of the pictures");
}

void settle(PictureArguments& o) {
  o.generate.width = given_side("width", o.width);
  o.generate.height = given_side("height", o.height);
  o.generate.seed = given_seed(o.seed);
  o.generate.guidance_interval = given_interval(o.guidance_interval);
  o.generate.micro = given_micro(o.micro);
  if (!o.initial_latents.empty()) o.generate.initial_latents = load_single_tensor(o.initial_latents);
}

void add_input_option(Command command, std::string& path) {
  command.add_option("-i,--input", path, "The picture to work on: PNG, JPEG or WebP").required();
}

Mask given_mask(const std::string& path, const PictureFile& input) {
  if (!path.empty()) {
    Mask mask = mask_from_file(read_picture(path));
    if (mask.width != input.picture.width || mask.height != input.picture.height)
      fail(ErrorCategory::usage, "[mask] {}: expected {} x {} pixels, the picture's size, found {} x {}",
           printable(path), input.picture.width, input.picture.height, mask.width, mask.height);
    return mask;
  }
  if (input.alpha.empty())
    fail(ErrorCategory::usage, "[mask] expected --mask, or a picture with transparent parts, found neither");
  return mask_from_transparency(input);
}

void add_resize_option(Command command, std::string& mode) {
  command
      .add_option("--resize", mode,
                  "How the picture comes to another size: stretch; crop (fill it, and cut what is over); fill (fit\n"
                  "into it, and repeat the edges)")
      .show_default();
}

void add_strength_option(Command command, double& strength) {
  command
      .add_option("--strength", strength,
                  "How much changes, above 0, at most 1: so much noise is added, and of the steps only the last\n"
                  "int(steps * strength) are run")
      .show_default();
}

}  // namespace safelight::cli
