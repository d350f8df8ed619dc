#include "models/said_prediction.h"

#include <fmt/format.h>

#include "core/fail.h"
#include "core/printable.h"
#include "core/shown_path.h"
#include "models/config_file.h"
#include "models/small_file.h"
#include "models/yaml.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLongestConfig = 1 << 20;
constexpr std::size_t kLongestValue = 40;  // that a message shows

}  // namespace

std::optional<SaidPrediction> said_by_config(const fs::path& yaml) {
  const YamlNode root = parse_yaml(read_small_file(yaml, kLongestConfig));
  const YamlNode* model = root.find("model");
  const YamlNode* params = model ? model->find("params") : nullptr;
  if (!params) return std::nullopt;
  const YamlNode* said = params->find("parameterization");
  const std::string name = printable(yaml.filename().native());
  if (!said) return SaidPrediction{.by = fmt::format("{} has no parameterization", name)};
  const std::string value = printable(said->text, kLongestValue);
  if (value != "eps" && value != "v")
    fail(ErrorCategory::format, "[config] {}: parameterization is {}, expected eps or v", shown_path(yaml), value);
  return SaidPrediction{.prediction = value == "v" ? Prediction::v : Prediction::noise,
                        .by = fmt::format("parameterization is {} in {}", value, name)};
}

std::optional<SaidPrediction> said_beside(const fs::path& checkpoint, std::vector<std::string>& notes) {
  const fs::path yaml = fs::path(checkpoint).replace_extension(".yaml");
  std::error_code ignored;
  if (!fs::exists(yaml, ignored)) return std::nullopt;
  try {
    return said_by_config(yaml);
  } catch (const Error& e) {
    notes.push_back(
        fmt::format("its configuration {} says nothing: {}", printable(yaml.filename().native()), e.what()));
    return std::nullopt;
  }
}

std::optional<SaidPrediction> said_by_scheduler(const fs::path& folder) {
  const auto config = ConfigFile::read(folder / "scheduler" / "scheduler_config.json");
  const auto type = config ? config->text("prediction_type") : std::nullopt;
  if (!type) return std::nullopt;
  if (*type != "epsilon" && *type != "v_prediction")
    config->reject("prediction_type",
                   fmt::format("is {}, expected epsilon or v_prediction", printable(*type, kLongestValue)));
  return SaidPrediction{.prediction = *type == "epsilon" ? Prediction::noise : Prediction::v,
                        .zero_terminal_snr = config->flag("rescale_betas_zero_snr").value_or(false),
                        .by = fmt::format("prediction_type is {} in scheduler/scheduler_config.json", *type)};
}

}  // namespace safelight
