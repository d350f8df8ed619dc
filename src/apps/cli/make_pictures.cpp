#include "apps/cli/make_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <vector>

#include "apps/cli/forecast_text.h"
#include "apps/cli/output_files.h"
#include "apps/cli/progress_display.h"
#include "apps/cli/signals.h"
#include "core/available_memory.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "safelight/safetensors.h"

namespace safelight::cli {
namespace {

struct Saved {
  std::filesystem::path path;
  std::uint64_t seed;
};

// What all pictures of a call have in common.
bool is_of_all(std::string_view name) {
  constexpr std::array<std::string_view, 7> kOfAll{
      "token_ids", "token_ids_2", "text_embeddings", "text_vector", "picture_latents", "seen_latents", "mask"};
  return std::ranges::find(kOfAll, name) != kOfAll.end();
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
    const bool of_all = is_of_all(snapshot.name);
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

std::string as_json(const Model& model, const PictureArguments& options, const GenerateReport& report,
                    const std::vector<Saved>& files, const std::string& of_task) {
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
  add(",\"precision\":{},\"instruction_set\":{}", json_string(report.precision), json_string(report.instruction_set));
  const GuidanceInterval& interval = options.generate.guidance_interval;
  add(",\"steps_run\":{},\"batch\":{}{}", report.steps_run, report.batch, of_task);
  add(",\"cache\":{},\"guidance_interval\":[{},{}]", options.generate.cache, interval.from, interval.to);
  add(",\"seed\":{},\"count\":{},\"backend\":{}", report.seed, report.count, json_string(options.backend));
  add(",\"open_ms\":{:.3f},\"text_ms\":{:.3f},\"encode_ms\":{:.3f},\"mean_step_ms\":{:.3f},\"decode_ms\":{:.3f},"
      "\"total_ms\":{:.3f}",
      model.open_ms(), report.text_ms, report.encode_ms, report.mean_step_ms, report.mean_decode_ms,
      model.open_ms() + report.total_ms);
  add(",\"encode_tiles\":{},\"decode_tiles\":{},\"texts_in_turn\":{}", report.encode_tiles, report.decode_tiles,
      report.texts_in_turn);
  add(",\"peak_memory_bytes\":{},\"warnings\":[", peak_resident_memory());
  for (std::size_t i = 0; i < report.warnings.size(); ++i) add("{}{}", i ? "," : "", json_string(report.warnings[i]));
  return out + "]}\n";
}

void print_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) fmt::print(stderr, "safelight: warning: {}\n", warning);
}

void print_summary(const Model& model, const PictureArguments& options, const GenerateReport& report,
                   const std::vector<Saved>& files, const std::string& of_task) {
  if (options.json) {
    fmt::print("{}", as_json(model, options, report, files, of_task));
    return;
  }
  print_warnings(report.warnings);
  for (const Saved& file : files) {
    fmt::print("{}", printable(file.path.native()));
    if (!options.quiet) fmt::print("  {} x {}, seed {}", report.width, report.height, file.seed);
    fmt::print("\n");
  }
  if (!options.quiet)
    fmt::print(stderr, "open {:.0f} ms, text {:.0f} ms, {} of {:.0f} ms, decode {:.0f} ms; peak memory {} MB\n",
               model.open_ms(), report.text_ms, counted(static_cast<std::uint64_t>(report.steps_run), "step"),
               report.mean_step_ms, report.mean_decode_ms, peak_resident_memory() / 1'000'000);
}

int print_plan(const PictureArguments& options, const Task& task) {
  Model model = open_model(options.model,
                           {.threads = options.threads, .backend = options.backend, .cancel = &cancel_on_signals()});
  const GenerateForecast plan = task.plan(model);
  if (!options.json) print_warnings(plan.warnings);
  fmt::print("{}", options.json ? forecast_json(plan, model) : forecast_text(plan));
  return 0;
}

}  // namespace

int make_pictures(PictureArguments& options, GenerateOptions& of_task, const Task& task) {
  if (options.plan) return print_plan(options, task);
  const Tensor& latents = options.generate.initial_latents;
  const std::int64_t count = options.generate.count.value_or(latents && latents.rank() == 4 ? latents.dim(0) : 1);
  const OutputFiles outputs(options.output, count);
  if (!options.dump.empty()) of_task.inspect = Dump(options.dump, count);

  ProgressDisplay display(options.json || options.quiet);
  const Context context{.threads = options.threads,
                        .backend = options.backend,
                        .on_progress = [&](const Progress& p) { display(p); },
                        .cancel = &cancel_on_signals(),
                        .measures = !options.no_measuring};
  Model model = open_model(options.model, context);
  std::vector<Saved> files;
  GenerateReport report;
  try {
    report = task.make(model, [&](const GeneratedPicture& made) {
      const std::filesystem::path path = outputs.path(made.index, made.seed);
      write_picture(path, made.picture, {{"parameters", made.infotext}}, {.lossless = task.keeps_pixels});
      files.push_back({path, made.seed});
    });
  } catch (const Error& e) {
    if (files.empty()) throw;
    fail(e.category(), "{}; {} of {} pictures are written, the last is {}", e.what(), files.size(), count,
         printable(files.back().path.native()));
  }
  if (task.keeps_pixels && picture_format(options.output) == PictureFormat::jpeg)
    report.warnings.emplace_back(
        "a JPEG changes all pixels a little, also those that were kept; a PNG or WebP does not");
  display.clear();
  print_summary(model, options, report, files, task.json);
  return 0;
}

}  // namespace safelight::cli
