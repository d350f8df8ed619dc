// From words to pictures.
//
//   Model model = Model::open("papercut.safetensors");
//   generate(model, {.prompt = "a red house with a brown roof by a lake", .seed = 7},
//            [](GeneratedPicture p) { write_picture("house.png", p.picture, {{"parameters", p.infotext}}); });
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/context.h"
#include "safelight/picture.h"
#include "safelight/tensor.h"

namespace safelight {

// What is not in the checkpoint's file, or not as it should be taken.
struct ModelOptions {
  // automatic (what the file says, else name.yaml beside it, else what it is known for), noise, v
  std::string prediction = "automatic";
  // Whether the last step in training was noise alone (Lin et al. 2023); unset: what the file says.
  std::optional<bool> zero_terminal_snr{};

  // Parts that a model lacks, or others in place of its own: .safetensors files of any layout, a whole checkpoint too;
  // or a component's folder of diffusers, whose config.json then counts.
  std::filesystem::path vae{};                         // empty: the model's own
  std::vector<std::filesystem::path> text_encoders{};  // which is which, their shapes tell; empty: the model's own
  std::string variant{};  // of a diffusers folder's files, such as "fp16"; empty: the plain
};

// A Stable Diffusion checkpoint, open and ready to make pictures. Thread-compatible: one call at a time, from the
// thread that opened it. The context's CancelToken must outlive it.
class Model {
 public:
  // `path` is a single file, an index of shards, or a diffusers folder; docs/layouts.md says how each is read. Throws
  // Error(io), Error(format), or Error(model) if it is no Stable Diffusion checkpoint, saying what it is, which part it
  // lacks, or which tensor is wrong; Error(usage) for an option that makes no sense, an unknown backend, or a number of
  // threads outside [0, 1024]. Reports Progress "open". The SHA-256 of the file with its UNet, which generate() writes
  // into pictures, is computed meanwhile at idle priority.
  static Model open(const std::filesystem::path& path, const Context& context = {});
  static Model open(const std::filesystem::path& path, const ModelOptions& options, const Context& context);

  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  const std::filesystem::path& path() const noexcept;
  std::int64_t default_width() const noexcept;
  std::int64_t default_height() const noexcept;
  std::int64_t size_multiple() const noexcept;  // sides of pictures must be multiples of this
  double open_ms() const noexcept;              // what open() took

  struct State;  // for the tasks; src/tasks/model_state.h
  State& state() noexcept { return *state_; }

 private:
  explicit Model(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A value on its way through the networks, for comparison with other programs. Tensors are laid out as theirs: NCHW.
//   "token_ids"        I64 [1 or 2, tokens]: the prompt, then (if any step is guided) the negative prompt
//   "token_ids_2"      the same for the second text encoder of SDXL
//   "text_embeddings"  F32 [1 or 2, tokens, width], in the same order
//   "text_vector"      F32 [1 or 2, width], in the same order: what SDXL and its refiner take besides
//   "picture_latents"  F32 [1, 4, h, w], scaled: of the picture that sampling starts from or is blended with
//   "seen_latents"     F32 [1, 4, h, w]: of the picture that the UNet sees: masked (scaled), or to be edited (unscaled)
//   "mask"             F32 [1, 1, h, w]: 1 where the latents are new, 0 where they are the picture's
//   "start_noise"      F32 [1, 4, h, w], of unit variance: what initial_latents takes
//   "latents_007"      F32 [1, 4, h, w] after step 7 of those that are run: for euler, euler_a and dpmpp_2m
//                      x0 + sigma * noise, for ddim sqrt(a) * x0 + sqrt(1 - a) * noise
//   "picture"          F32 [1, 3, height, width], nominally in [-1, 1]: as decoded, before anything is put over it
// Those of a second pass begin with "hires_", but for the picture.
struct Snapshot {
  std::int64_t picture;  // which of the call's pictures, from 0; what all have in common comes once, with 0
  std::string_view name;
  const Tensor& tensor;
};

// The part of the steps that is guided: of n steps the i-th, counted from 0, if from <= i / n < to. Two steps at one
// noise level (ddim's first two of 1000) are guided both or neither.
struct GuidanceInterval {
  double from = 0, to = 1;  // 0 <= from <= to <= 1

  bool operator==(const GuidanceInterval&) const = default;
};

struct PictureSize {
  std::int64_t width = 0, height = 0;

  bool operator==(const PictureSize&) const = default;
};

struct PictureCorner {
  std::int64_t left = 0, top = 0;

  bool operator==(const PictureCorner&) const = default;
};

// What SDXL and its refiner were told in training about where each picture came from, and can be told about the one to
// make ("micro-conditioning", Podell et al. 2023, "SDXL", section 2.2). Setting what a model does not take is refused.
struct MicroConditioning {
  std::optional<PictureSize> original_size{};  // before training scaled it; unset: that of the picture. Small: blurred
  std::optional<PictureCorner> crop{};         // what was cut off; unset: nothing. Large: subjects out of the centre
  std::optional<PictureSize> target_size{};    // SDXL alone; unset: that of the picture
  // The refiner alone, 0 to 10: how beautiful, for the prompt and for the negative prompt; unset: 6 and 2.5.
  std::optional<double> aesthetic_score{}, negative_aesthetic_score{};
};

// A second pass over an enlarged picture, which adds what there is no room for in a small one, and keeps the
// composition of the size that the model was trained for ("hires fix" in A1111).
struct HiresOptions {
  double scale = 0;  // 1 to 16 times the size, cut to the model's multiple; 0: width and height say it
  std::int64_t width = 0, height = 0;  // of the result, instead of a scale
  std::string upscaler = "latent";     // latent (bilinear), lanczos (of the decoded picture)
  std::int64_t steps = 0;              // of the second pass; 0: as many as of the first
  double strength = 0.7;               // of the steps, int(steps * strength) are run: see TransformOptions
};

// What makes pictures from words, and what all tasks have in common.
struct GenerateOptions {
  // UTF-8; either may be empty. An empty negative prompt is read as any other, but by SDXL (not its refiner), which
  // was trained without any text for it: then all that the text would be is zeros.
  std::string prompt{}, negative_prompt{};
  std::int64_t width = 0, height = 0;   // 0: the size of initial_latents if given, else the model's own
  std::int64_t steps = 25;              // 1 to 1000
  double cfg = 7;                       // classifier-free guidance; 1 ignores the negative prompt, at half the work
  std::string sampler = "dpmpp_2m";     // euler, euler_a, ddim, dpmpp_2m; A1111's names are understood too
  std::string schedule = "automatic";   // automatic (what suits the sampler), normal, karras
  std::optional<std::uint64_t> seed{};  // of the first picture, the next have seed + 1, ...; unset: a random one
  std::optional<std::int64_t> count{};  // of pictures; unset: as many as initial_latents holds, else 1
  std::int64_t batch = 0;               // pictures that go through the UNet together; 0: as suits memory and size
  std::string rng = "philox";           // philox (A1111's GPU and NV), cpu (diffusers' and ComfyUI's usual)
  // full; bf16: UNet and VAE multiply numbers rounded to bf16, on processors with AMX or AVX512_BF16, elsewhere it is
  // full with a warning; int8: the UNet's linear layers multiply whole numbers of 8 bits. Both are faster, and the
  // picture is a slightly different one (docs/performance.md). The first call in another precision than the last binds
  // weights again.
  std::string precision = "full";

  // Less work per step, for another picture: docs/performance.md has figures.
  std::int64_t cache = 1;                   // 1 to steps; every cache-th step is computed in full, those between reuse
                                            // its deep features (DeepCache, Ma, Fang & Wang 2023); 1: all in full
  GuidanceInterval guidance_interval = {};  // outside it, a step is as with cfg 1 (Kynkäänniemi et al. 2024)

  MicroConditioning micro{};            // for SDXL and its refiner
  std::optional<HiresOptions> hires{};  // a second pass; generate() alone has one

  Tensor initial_latents{};      // start noise, NCHW [n, 4, h, w] of unit variance; n is 1 or count
  std::uint64_t max_memory = 0;  // bytes in memory at most, see GenerateForecast; 0: what the system has
  std::function<void(const Snapshot&)> inspect{};  // called as values become known; may be empty
};

// What a task will do with the same options, and what it will take.
//
// Memory is what is resident, as `top` and `/usr/bin/time` show it: the program, what it computes with, and the pages
// of the model's file that it reads in a phase. Those are released when the phase is over; they stay in the system's
// cache, and may be taken by it at any time without harm but to speed, so that a system does not need to have them
// free.
struct GenerateForecast {
  struct Phase {
    std::uint64_t weight_bytes = 0;      // of the model's file
    std::uint64_t activation_bytes = 0;  // of everything else that the phase needs
    double ms = 0;                       // an estimate; 0: there is no such phase
  };
  struct Pass {
    std::int64_t width = 0, height = 0;               // of what is sampled
    std::int64_t steps = 0;                           // that are run
    std::int64_t encode_tiles = 0, decode_tiles = 0;  // of a picture; 0: it is not encoded, or not decoded
    double full_steps = 0;       // that are as much work as all steps: fewer with a cache or a guidance interval
    Phase encode, step, decode;  // of all pictures that are encoded; of a full step of a batch; of one picture
  };

  std::int64_t width = 0, height = 0, count = 0;  // of the pictures that are made
  std::int64_t batch = 1;                         // of them together
  std::string sampler, schedule, rng, precision;  // our names
  std::string instruction_set;                    // see GenerateReport
  bool texts_in_turn = false;                     // see GenerateReport
  std::uint64_t program_bytes = 0;                // in memory in every phase
  Phase text;
  std::vector<Pass> passes;             // two with HiresOptions, else one
  std::uint64_t peak_memory_bytes = 0;  // program_bytes and the largest phase
  double total_ms = 0;                  // of the call
  std::vector<std::string> warnings;    // one sentence each: what will be done otherwise than asked for
};

struct GeneratedPicture {
  std::int64_t index = 0;  // from 0
  std::uint64_t seed = 0;
  Picture picture;
  std::string infotext;  // the settings, for the PNG text "parameters"
};

// What a call did. Options that were left open (size, seed, schedule) are as they were chosen.
struct GenerateReport {
  std::int64_t width = 0, height = 0, count = 0;  // of the pictures that were made
  std::int64_t steps = 0;                         // as asked for; of those, steps_run
  std::int64_t steps_run = 0;                     // per picture, in both passes if there are two
  std::int64_t batch = 1;                         // pictures that went through the UNet together
  std::uint64_t seed = 0;
  std::string sampler, schedule, rng, precision;  // our names
  std::string instruction_set;    // that was computed with, as SAFELIGHT_ISA takes it; empty: not by the backend "cpu"
  std::int64_t encode_tiles = 0;  // of a picture; 0: none was encoded. See generate()
  std::int64_t decode_tiles = 1;
  bool texts_in_turn = false;         // the UNet saw the texts (and, in edit(), the picture) one after the other
  double text_ms = 0;                 // tokens and text encoder, once for all pictures
  double encode_ms = 0;               // VAE encoder, all together
  double mean_step_ms = 0;            // per picture, over all steps of all pictures
  double mean_decode_ms = 0;          // VAE decoder, per picture
  double total_ms = 0;                // without Model::open
  std::vector<std::string> warnings;  // one sentence each: a prompt that was cut, values that are no numbers
};

using OnPicture = std::function<void(GeneratedPicture)>;

// Makes the pictures, a batch at a time, and hands each over as soon as it is done. A picture has the same bits in any
// batch. Everything that can be refused is refused before any work: Error(usage) for options that are not acceptable,
// Error(model) for a model that is made for another task, Error(limit), naming the bytes, for what would not fit into
// options.max_memory or the memory that is available. Error(cancelled) comes within one op.
// Where memory is short, fewer pictures go together, the UNet sees the texts one after the other, and pictures are
// encoded and decoded in overlapping tiles that fade into each other, which shifts their tones a little
// (docs/performance.md says how much).
// Reports Progress "text"; "encode", where there is something to encode; for every batch "batch" (those that are done)
// and "step" (1 of steps, ...; for a second pass "hires step"); for every picture "decode" and "picture" (those that
// are done).
GenerateReport generate(Model& model, const GenerateOptions& options, const OnPicture& on_picture);

// What generate() would do, without doing it. Refuses what it would refuse. The memory is exact but for what the C
// library and the system add; the times come from counting the work, and from measuring for a second or two how fast
// this machine is at each kind of it now, and trying out a part of it.
GenerateForecast forecast(Model& model, const GenerateOptions& options);

}  // namespace safelight
