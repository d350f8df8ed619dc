#include "models/model_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "format/shards.h"
#include "models/random_checkpoint.h"
#include "support/diffusers_names.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

constexpr const char *kUnet = "model.diffusion_model.", *kVae = "first_stage_model.", *kText = "cond_stage_model.";

// By the names of one part of one family; a tensor below `place` that is not among them is an error of the test.
NameInFile by_golden(const std::string& place, const std::string& part, const std::string& family) {
  std::map<std::string, std::string> names;
  for (const NamesOfPart& known : read_diffusers_names())
    if (known.part == part && known.families == family)
      for (const NamePair& pair : known.names) names[place + pair.ldm] = pair.diffusers;
  return [names, place](const std::string& ldm) -> std::optional<std::string> {
    if (!ldm.starts_with(place)) return std::nullopt;
    return names.at(ldm);
  };
}

std::vector<NamedTensor> named(const SafeTensors& model, const NameInFile& name) {
  std::vector<NamedTensor> tensors;
  for (const TensorInfo& info : model.tensors())
    if (auto in_file = name(info.name)) tensors.push_back({*in_file, model.tensor(info)});
  return tensors;
}

// Faster than save(), which waits for the disk.
void write(const std::filesystem::path& path, std::span<const NamedTensor> tensors) {
  std::string members = R"("__metadata__":{"format":"pt"})", data;
  for (const NamedTensor& t : tensors) {
    const std::size_t begin = data.size();
    data.append(reinterpret_cast<const char*>(t.tensor.data()), t.tensor.bytes());
    members += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", t.name,
                           name(t.tensor.dtype()), fmt::join(t.tensor.shape(), ","), begin, data.size());
  }
  std::string header = "{" + members + "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const auto length = std::bit_cast<std::array<char, 8>>(std::uint64_t{header.size()});
  write_file(path, std::string(length.begin(), length.end()) + header + data);
}

}  // namespace

// SD XL has attention at the same of its first two levels.
NameInFile unet_of_diffusers() { return by_golden(kUnet, "unet", "sdxl"); }
NameInFile vae_of_diffusers() { return by_golden(kVae, "vae", "small-trunk"); }
NameInFile text_encoder_of_transformers() { return by_golden(kText, "text-encoder", "all"); }

NameInFile renamed(const std::string& from, const std::string& to) {
  return [from, to](const std::string& ldm) {
    return ldm.starts_with(from) ? std::optional(to + ldm.substr(from.size())) : std::nullopt;
  };
}

NameInFile all_but(const std::string& prefix) {
  return [prefix](const std::string& ldm) { return ldm.starts_with(prefix) ? std::nullopt : std::optional(ldm); };
}

const SafeTensors& small_model() {
  static const SafeTensors model = random_file(read_layout("small-trunk"));
  return model;
}

const SafeTensors& drawing_model() {
  static const SafeTensors model = [] {
    std::vector<TensorRecipe> recipes = read_layout("small-trunk");
    find(recipes, "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight").shape[0] = 49408;
    return random_file(recipes);
  }();
  return model;
}

void write_part(const std::filesystem::path& path, const NameInFile& name, const SafeTensors& model) {
  write(path, named(model, name));
}

void write_shards(const std::filesystem::path& folder, const std::string& stem, const std::string& variant,
                  const NameInFile& name, const SafeTensors& model) {
  const std::vector<NamedTensor> tensors = named(model, name);
  const std::string dotted = variant.empty() ? "" : "." + variant;
  const std::span<const NamedTensor> all(tensors);
  const std::size_t half = all.size() / 2;
  std::vector<IndexEntry> entries;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto part = i == 0 ? all.first(half) : all.subspan(half);
    const std::filesystem::path file = shard_path(folder / (stem + dotted + ".safetensors"), i, 2);
    write(file, part);
    for (const NamedTensor& t : part) {
      entries.push_back({t.name, file.filename()});
      bytes += t.tensor.bytes();
    }
  }
  write_file(folder / (stem + ".safetensors.index" + dotted + ".json"), index_text(std::move(entries), bytes));
}

void write_diffusers_folder(const std::filesystem::path& folder, const SafeTensors& model) {
  for (const char* part : {"unet", "vae", "text_encoder", "scheduler"})
    std::filesystem::create_directories(folder / part);
  write_part(folder / "unet/diffusion_pytorch_model.safetensors", unet_of_diffusers(), model);
  write_part(folder / "vae/diffusion_pytorch_model.safetensors", vae_of_diffusers(), model);
  write_part(folder / "text_encoder/model.safetensors", text_encoder_of_transformers(), model);
  write_file(folder / "model_index.json",
             R"({"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
                 "text_encoder_2": [null, null], "requires_safety_checker": true})");
  write_file(folder / "unet/config.json", R"({"sample_size": 24, "in_channels": 4, "cross_attention_dim": 64})");
  write_file(folder / "vae/config.json", R"({"scaling_factor": 0.18215, "latent_channels": 4})");
  write_file(folder / "text_encoder/config.json", R"({"hidden_act": "quick_gelu", "hidden_size": 64})");
  write_file(folder / "scheduler/scheduler_config.json", R"({"prediction_type": "epsilon", "beta_start": 0.00085})");
}

}  // namespace safelight::test
