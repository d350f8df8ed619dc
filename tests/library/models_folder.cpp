#include "library/models_folder.h"

#include <chrono>

namespace safelight::test {
namespace {

namespace fs = std::filesystem;

void make_old(const fs::path& path) {
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
}

}  // namespace

File checkpoint_of_sd1() {
  return {{"model.diffusion_model.input_blocks.0.0.weight", {1, 4, 3, 3}},
          {"model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", {1, 768}},
          {"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", {1, 768}},
          {"first_stage_model.decoder.conv_in.weight", {1, 4, 3, 3}},
          {"first_stage_model.encoder.conv_in.weight", {1, 3, 3, 3}}};
}

File checkpoint_of_sd2() {
  File file = checkpoint_of_sd1();
  file[1].shape = {1, 1024};
  file[2] = {"cond_stage_model.model.token_embedding.weight", {1, 1024}};
  return file;
}

File lora_for_sd1() { return {{"lora_unet_x_attn2_to_k.lora_down.weight", {1, 768}}}; }

File vae_file() { return {{"decoder.conv_in.weight", {1, 4, 3, 3}}, {"encoder.conv_in.weight", {1, 3, 3, 3}}}; }

fs::path ModelsFolder::add(const std::string& name, const File& tensors, const Metadata& metadata) const {
  const fs::path path = *this / name;
  fs::create_directories(path.parent_path());
  std::vector<NamedTensor> named;
  for (const Zeros& t : tensors)
    named.push_back({t.name, Tensor::from(std::vector<float>(static_cast<std::size_t>(elements(t.shape))), t.shape)});
  save(path, named, metadata);
  make_old(path);
  return path;
}

fs::path ModelsFolder::add_text(const std::string& name, const std::string& text) const {
  const fs::path path = *this / name;
  fs::create_directories(path.parent_path());
  write_file(path, text);
  make_old(path);
  return path;
}

}  // namespace safelight::test
