// safelight generate: from a sentence to a picture.
#include "safelight/generate.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/arguments.h"
#include "apps/cli/commands.h"
#include "apps/cli/forecast_text.h"
#include "apps/cli/named_model.h"
#include "apps/cli/output_files.h"
#include "apps/cli/progress_display.h"
#include "apps/cli/signals.h"
#include "core/available_memory.h"
#include "core/fail.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/safetensors.h"

namespace safelight::cli {
namespace {

struct Options {
  GenerateOptions generate;
  std::string model, output = "safelight.png", initial_latents, dump, guidance_interval = "0,1";
  std::optional<std::int64_t> width, height, seed;
  int threads = 0;
  std::string backend = "cpu";
  bool plan = false, json = false, quiet = false, no_measuring = false;
};

struct Saved {
  std::filesystem::path path;
  std::uint64_t seed;
};

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
  GuidanceInterval interval;
  const char* const end = text.data() + text.size();
  const auto [comma, bad_from] = std::from_chars(text.data(), end, interval.from);
  const bool has_from = bad_from == std::errc() && comma != end && *comma == ',';
  const auto [rest, bad_to] = std::from_chars(has_from ? comma + 1 : end, end, interval.to);
  if (bad_to != std::errc() || rest != end)
    fail(ErrorCategory::usage, "[guidance-interval] expected two numbers FROM,TO, found {}", printable(text));
  return interval;
}

Tensor load_single_tensor(const std::string& path) {
  const SafeTensors file = SafeTensors::open(path);
  if (file.tensors().size() != 1)
    fail(ErrorCategory::model, "[init-latents] {}: expected one tensor, found {}", printable(path),
         file.tensors().size());
  return file.tensor(file.tensors().front());
}

// One file per value, so that each can be given to another program, and start_noise to --init-latents.
class Dump {
 public:
  Dump(std::filesystem::path folder, std::int64_t pictures) : folder_(std::move(folder)), pictures_(pictures) {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error)
      fail(ErrorCategory::io, "[dump] cannot make the folder {}: {}", printable(folder_.native()), error.message());
  }

  void operator()(const Snapshot& snapshot) const {
    const bool of_all = snapshot.name == "token_ids" || snapshot.name == "text_embeddings";
    std::filesystem::path folder = folder_;
    if (pictures_ > 1 && !of_all) folder /= std::to_string(snapshot.picture + 1);
    std::filesystem::create_directories(folder);
    const NamedTensor tensor{std::string(snapshot.name), snapshot.tensor};
    save(folder / (tensor.name + ".safetensors"), {&tensor, 1});
  }

 private:
  std::filesystem::path folder_;
  std::int64_t pictures_;
};

std::string as_json(const Model& model, const Options& options, const GenerateReport& report,
                    const std::vector<Saved>& files) {
  std::string out = "{\"files\":[";
  const auto add = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  };
  for (std::size_t i = 0; i < files.size(); ++i)
    add("{}{{\"path\":{},\"seed\":{}}}", i ? "," : "", json_string(files[i].path.native()), files[i].seed);
  add("],\"model\":{},\"prompt\":{},\"negative_prompt\":{}", json_string(model.path().native()),
      json_string(options.generate.prompt), json_string(options.generate.negative_prompt));
  add(",\"width\":{},\"height\":{},\"steps\":{},\"cfg\":{},\"sampler\":{},\"schedule\":{},\"rng\":{}", report.width,
      report.height, report.steps, options.generate.cfg, json_string(report.sampler), json_string(report.schedule),
      json_string(report.rng));
  add(",\"precision\":{}", json_string(report.precision));
  const GuidanceInterval& interval = options.generate.guidance_interval;
  add(",\"cache\":{},\"guidance_interval\":[{},{}]", options.generate.cache, interval.from, interval.to);
  add(",\"seed\":{},\"count\":{},\"backend\":{}", report.seed, report.count, json_string(options.backend));
  add(",\"open_ms\":{:.3f},\"text_ms\":{:.3f},\"mean_step_ms\":{:.3f},\"decode_ms\":{:.3f},\"total_ms\":{:.3f}",
      model.open_ms(), report.text_ms, report.mean_step_ms, report.mean_decode_ms, model.open_ms() + report.total_ms);
  add(",\"decode_tiles\":{},\"texts_in_turn\":{}", report.decode_tiles, report.texts_in_turn);
  add(",\"peak_memory_bytes\":{},\"warnings\":[", peak_resident_memory());
  for (std::size_t i = 0; i < report.warnings.size(); ++i) add("{}{}", i ? "," : "", json_string(report.warnings[i]));
  return out + "]}\n";
}

void print_summary(const Model& model, const Options& options, const GenerateReport& report,
                   const std::vector<Saved>& files) {
  if (options.json) {
    fmt::print("{}", as_json(model, options, report, files));
    return;
  }
  for (const std::string& warning : report.warnings) fmt::print(stderr, "safelight: warning: {}\n", printable(warning));
  for (const Saved& file : files) {
    fmt::print("{}", printable(file.path.native()));
    if (!options.quiet) fmt::print("  {} x {}, seed {}", report.width, report.height, file.seed);
    fmt::print("\n");
  }
  if (!options.quiet)
    fmt::print(stderr, "open {:.0f} ms, text {:.0f} ms, {} steps of {:.0f} ms, decode {:.0f} ms; peak memory {} MB\n",
               model.open_ms(), report.text_ms, report.steps, report.mean_step_ms, report.mean_decode_ms,
               peak_resident_memory() / 1'000'000);
}

Model open_model(const Options& options, const Context& context) {
  return Model::open(named_model(options.model, context), context);
}

int print_plan(const Options& options) {
  Model model =
      open_model(options, {.threads = options.threads, .backend = options.backend, .cancel = &cancel_on_signals()});
  const GenerateForecast plan = forecast(model, options.generate);
  fmt::print("{}", options.json ? forecast_json(plan, model) : forecast_text(plan));
  return 0;
}

int make_pictures(Options& options) {
  options.generate.width = given_side("width", options.width);
  options.generate.height = given_side("height", options.height);
  options.generate.seed = given_seed(options.seed);
  options.generate.guidance_interval = given_interval(options.guidance_interval);
  if (!options.initial_latents.empty()) options.generate.initial_latents = load_single_tensor(options.initial_latents);
  if (options.plan) return print_plan(options);
  const Tensor& latents = options.generate.initial_latents;
  const std::int64_t count = options.generate.count.value_or(latents && latents.rank() == 4 ? latents.dim(0) : 1);
  const OutputFiles outputs(options.output, count);
  if (!options.dump.empty()) options.generate.inspect = Dump(options.dump, count);

  ProgressDisplay display(options.json || options.quiet);
  const Context context{.threads = options.threads,
                        .backend = options.backend,
                        .on_progress = [&](const Progress& p) { display(p); },
                        .cancel = &cancel_on_signals(),
                        .measures = !options.no_measuring};
  Model model = open_model(options, context);
  std::vector<Saved> files;
  const GenerateReport report = generate(model, options.generate, [&](const GeneratedPicture& made) {
    files.push_back({outputs.path(made.index, made.seed), made.seed});
    write_png(files.back().path, made.picture, {{"parameters", made.infotext}});
  });
  display.clear();
  print_summary(model, options, report, files);
  return 0;
}

void add_options(Command command, Options& o) {
  GenerateOptions& g = o.generate;
  command.add_option("-p,--prompt", g.prompt, "What the picture shows").required();
  command.add_option("-n,--negative", g.negative_prompt, "What it should not show");
  command.add_option("-m,--model", o.model,
                     "Path, name or hash of a model (safelight models lists them); without it, the shipped one");
  command.add_option("-o,--output", o.output, "Where the picture goes; {seed} in the name is replaced").show_default();
  command.add_option("-W,--width", o.width, "Pixels, a multiple of 8; without it, the model's own size");
  command.add_option("-H,--height", o.height, "Likewise");
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
  command.add_option("--seed", o.seed, "Same seed, same picture; without it or with -1, a random one");
  command.add_option("--count", g.count, "Number of pictures, with seeds N, N+1, ... and names NAME-1.png, ...");
  add_threads_option(command, o.threads);
  command.add_option("--rng", g.rng, "Start noise: philox (as on a GPU, and in A1111) or cpu (as torch on a CPU)")
      .show_default();
  command
      .add_option("--precision", g.precision,
                  "full, or int8: linear layers of the UNet in 8 bits, faster, slightly another picture")
      .show_default();
  command.add_option("--backend", o.backend, "cpu, or reference (slow, exact)").show_default();
  command.add_flag("--no-measuring", o.no_measuring,
                   "Do not try which ways to cut the work are fastest here (they are kept for the next run); the\n"
                   "picture is the same either way");
  command.add_option("--init-latents", o.initial_latents, "Start noise from a file: one tensor, [n, 4, h, w]");
  command.add_option("--dump", o.dump,
                     "Folder for what happens inside, as .safetensors: token_ids, text_embeddings, start_noise,\n"
                     "latents_001 and so on after every step, picture; in folders 1, 2, ... if there are several");
  command
      .add_option("--max-memory", g.max_memory,
                  "Most bytes in memory, the model's file included; 2600MB and 3G are understood. Where it is\n"
                  "short, the picture is decoded in tiles; where that is not enough, nothing is begun")
      .size_in_bytes()
      .positive();
  command.add_flag("--plan", o.plan, "Print what would be done, and what memory and time it would take; make nothing");
  command.add_flag("--json", o.json, "Print one JSON object at the end, and nothing else");
  command.add_flag("-q,--quiet", o.quiet, "No progress; print only the paths of the pictures");
}

}  // namespace

void add_generate(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command("generate", "Make a picture from a sentence.");
  add_options(command, *options);
  command.footer(
      "Ctrl-C stops within a step and leaves no half file.\n"
      "Example: safelight generate -p \"a red house by a lake, at night\" --seed 7 -o house.png");
  command.callback([options, &status] { status = make_pictures(*options); });
}

}  // namespace safelight::cli
