#include "library/diffusers_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/component_files.h"
#include "models/config_file.h"
#include "models/said_prediction.h"
#include "safelight/error.h"
#include "safelight/sharded.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

// The networks whose tensors tell what the folder is.
constexpr std::array<std::string_view, 5> kNetworks = {"unet", "transformer", "text_encoder", "text_encoder_2", "vae"};

// The file that would be opened; of variants without a plain one, the first.
std::optional<fs::path> choose_weights(const fs::path& folder) {
  const std::vector<ComponentFile> files = component_files(folder);
  if (files.empty()) return std::nullopt;
  const auto plain = std::ranges::find(files, "", &ComponentFile::variant);
  return (plain == files.end() ? files.begin() : plain)->path;
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
  try {
    const auto weights = choose_weights(place);
    if (!weights) {
      if (has_pickles(place))
        found.notes.push_back(fmt::format("{}: only pickles (.bin); safelight convert reads them", network));
      return;
    }
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

}  // namespace

bool is_diffusers_folder(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "model_index.json", error);
}

DiffusersFolder open_diffusers_folder(const fs::path& folder) {
  DiffusersFolder found;
  const auto index = ConfigFile::read(folder / "model_index.json");
  const auto noting = [&](auto&& read) {
    try {
      read();
    } catch (const Error& e) {
      found.notes.emplace_back(e.what());
    }
  };
  noting([&] { found.pipeline = index ? index->text("_class_name").value_or("") : ""; });
  for (const std::string_view network : kNetworks) add_network(folder, network, found);
  noting([&] { found.said = said_by_scheduler(folder); });
  return found;
}

}  // namespace safelight
