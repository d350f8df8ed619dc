// safelight what: what a model file is, and on what evidence.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/model_text.h"
#include "apps/cli/signals.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "library/examine.h"
#include "library/walk.h"

namespace safelight::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> paths;
  bool json = false;
};

class Lines {
 public:
  void add(std::string_view label, const std::string& text) {
    if (!text.empty()) text_ += fmt::format("  {:10}  {}\n", label, text);
  }
  // Several, of which only the first is labelled.
  void add(std::string_view label, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      add(label, text);
      label = "";
    }
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::vector<std::string> parts_lines(const Recognition& found) {
  std::vector<std::string> lines;
  for (const CarriedPart& part : found.parts)
    lines.push_back(fmt::format("{}: {}, {}", part.name, counted(part.tensors, "tensor"), types_text(part.types)));
  return lines;
}

std::vector<std::string> evidence_lines(const Recognition& found) {
  std::vector<std::string> lines;
  for (const Fact& fact : found.facts) lines.push_back(fmt::format("{}: {}", fact.claim, fact.because));
  return lines;
}

std::string task_text(ModelTask task) {
  switch (task) {
    case ModelTask::generate:
      return "pictures from texts";
    case ModelTask::inpaint:
      return "inpainting: fills holes in pictures";
    case ModelTask::edit:
      return "editing pictures by instruction";
  }
  return "";
}

// Something can be said of it besides what is wrong.
bool is_known(const Examined& model) {
  return model.problem.empty() || model.recognition.kind != ModelKind::unknown || !model.recognition.evidence.empty();
}

std::string as_text(const fs::path& path, const Examined& model) {
  const Recognition& found = model.recognition;
  Lines lines;
  const bool known = is_known(model);
  if (known) lines.add("what", found.what);
  lines.add("problem", model.problem);
  if (known) lines.add("kind", std::string(name(found.kind)));
  lines.add("family", found.base);
  if (found.family) {
    lines.add("task", task_text(found.task));
    lines.add("predicts", fmt::format("{}{}", found.prediction == Prediction::v ? "v" : "noise",
                                      found.zero_terminal_snr ? ", down to zero terminal SNR" : ""));
  }
  lines.add("precision", types_text(found.types));
  lines.add("carries", parts_lines(found));
  lines.add("lacks", fmt::format("{}", fmt::join(found.lacks, ", ")));
  lines.add("evidence", evidence_lines(found));
  lines.add("note", found.notes);
  lines.add("to add", what_to_add(found));
  lines.add("to run", command_to_run(path, model));
  return printable(path.native()) + "\n" + lines.text();
}

// A folder with models in it stands for these.
std::vector<FoundModel> models_of(const std::string& text) {
  const fs::path path(text);
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status))
    fail(ErrorCategory::io, "[what] {}: {}", printable(text), error ? error.message() : "No such file or directory");
  if (!fs::is_directory(status) || is_model_folder(path)) return {{path, text, std::nullopt, {}}};
  std::vector<FoundModel> broken_lists;
  std::vector<FoundModel> models = find_models(roots_of(path, broken_lists), {.cancel = &cancel_on_signals()});
  std::ranges::move(broken_lists, std::back_inserter(models));
  return models;
}

Examined explain(const FoundModel& model) {
  Examined result;
  result.problem = model.problem;
  return model.problem.empty() ? examine(model.path, {.foreign = true}, {.cancel = &cancel_on_signals()}) : result;
}

int say_what(const Options& options) {
  int status = 0;
  for (const std::string& text : options.paths)
    for (const FoundModel& model : models_of(text)) {
      const Examined found = explain(model);
      std::error_code ignored;
      if (!is_known(found) && fs::equivalent(model.path, text, ignored)) status = 1;  // not of a folder's list
      if (options.json)
        fmt::print("{{\"path\":{},{}}}\n", json_string(model.path.native()), examined_json(model.path, found));
      else
        fmt::print("{}", as_text(model.path, found));
    }
  return status;
}

}  // namespace

void add_what(Command app, int& status) {
  const auto options = std::make_shared<Options>();
  Command command = app.add_command(
      "what", "Say what model files are: family, task, prediction, precision, what they carry and lack, and why.");
  command
      .add_option("PATH", options->paths,
                  "Model files of any kind; folders as diffusers writes them, of shards, or with models in them")
      .required();
  command.add_flag("--json", options->json, "One JSON object per line");
  command.footer(
      "Nothing in a file is executed. A file that is broken or of an unknown kind is said to be that;\n"
      "if one that is named here is broken, the exit code is 1.\n"
      "Example: safelight what model.safetensors");
  command.callback([options, &status] { status = say_what(*options); });
}

}  // namespace safelight::cli
