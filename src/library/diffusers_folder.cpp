#include "library/diffusers_folder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>

#include "core/fail.h"
#include "core/printable.h"
#include "library/small_file.h"
#include "safelight/sharded.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLongestJson = 1 << 20;
constexpr std::size_t kDeepestJson = 32;

// The networks whose tensors tell what the folder is.
constexpr std::array<std::string_view, 5> kNetworks = {"unet", "transformer", "text_encoder", "text_encoder_2", "vae"};

// Calls use(object) for the object in a file.
template <class Use>
void with_object(const fs::path& path, Use&& use) {
  const std::string text = read_small_file(path, kLongestJson);
  simdjson::dom::parser parser(kLongestJson + 1);
  simdjson::dom::object object;
  auto error = parser.allocate(text.size() + 1, kDeepestJson);
  if (!error) error = parser.parse(text).get(object);
  if (error)
    fail(ErrorCategory::format, "[diffusers] {}: expected a JSON object: {}", printable(path.native()),
         simdjson::error_message(error));
  use(object);
}

std::string text_of(const simdjson::dom::object& object, std::string_view key) {
  std::string_view value;
  return object[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

// Of several variants, an index of shards before a file, and the published precision before the halved one.
std::optional<fs::path> choose_weights(const fs::path& folder) {
  constexpr std::string_view kChoices[] = {"diffusion_pytorch_model.safetensors.index.json",
                                           "model.safetensors.index.json",
                                           "diffusion_pytorch_model.safetensors",
                                           "model.safetensors",
                                           "diffusion_pytorch_model.fp16.safetensors",
                                           "model.fp16.safetensors"};
  std::error_code ignored;
  for (const std::string_view name : kChoices)
    if (fs::exists(folder / name, ignored)) return folder / name;
  std::vector<fs::path> others;
  for (fs::directory_iterator it(folder, ignored), end; it != end; it.increment(ignored))
    if (it->path().extension() == ".safetensors") others.push_back(it->path());
  if (others.empty()) return std::nullopt;
  return *std::ranges::min_element(others);
}

bool has_pickles(const fs::path& folder) {
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; it != end; it.increment(ignored))
    if (it->path().extension() == ".bin") return true;
  return false;
}

void add_network(const fs::path& folder, std::string_view network, DiffusersFolder& found) {
  std::error_code ignored;
  const fs::path place = folder / network;
  if (!fs::is_directory(place, ignored)) return;
  const auto weights = choose_weights(place);
  if (!weights) {
    if (has_pickles(place))
      found.notes.push_back(fmt::format("{}: only pickles (.bin); safelight convert reads them", network));
    return;
  }
  try {
    const ShardedTensors files = ShardedTensors::open(*weights, {.open = {}, .tolerant = true});
    for (const ShardProblem& problem : files.problems())
      found.notes.push_back(fmt::format("{}: {}", network, problem.detail));
    for (const ShardedTensors::Entry& entry : files.tensors()) {
      found.tensors.push_back(*entry.info);
      found.tensors.back().name.insert(0, fmt::format("{}.", network));
    }
    for (const SafeTensors& shard : files.shards()) found.bytes += shard.file_bytes();
    if (network == kNetworks.front()) found.metadata = files.metadata();
  } catch (const Error& e) {
    found.notes.push_back(fmt::format("{}: {}", network, e.what()));
  }
}

void add_prediction(const fs::path& folder, DiffusersFolder& found) {
  const fs::path config = folder / "scheduler" / "scheduler_config.json";
  std::error_code ignored;
  if (!fs::exists(config, ignored)) return;
  try {
    with_object(config, [&](const simdjson::dom::object& object) {
      const std::string type = text_of(object, "prediction_type");
      if (type != "v_prediction" && type != "epsilon") return;
      bool rescaled = false;
      const bool zero = object["rescale_betas_zero_snr"].get(rescaled) == simdjson::SUCCESS && rescaled;
      found.said = SaidPrediction{type == "epsilon" ? Prediction::noise : Prediction::v, zero,
                                  fmt::format("prediction_type is {} in scheduler/scheduler_config.json", type)};
    });
  } catch (const Error& e) {
    found.notes.emplace_back(e.what());
  }
}

}  // namespace

bool is_diffusers_folder(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "model_index.json", error);
}

DiffusersFolder open_diffusers_folder(const fs::path& folder) {
  DiffusersFolder found;
  with_object(folder / "model_index.json",
              [&](const simdjson::dom::object& object) { found.pipeline = text_of(object, "_class_name"); });
  for (const std::string_view network : kNetworks) add_network(folder, network, found);
  add_prediction(folder, found);
  return found;
}

}  // namespace safelight
