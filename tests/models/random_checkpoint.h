// Files of tensors with reproducible random values, made in memory. The recipe is that of
// tests/golden/make_checkpoint.py, bit for bit, so that goldens need no stored weights.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight::test {

struct TensorRecipe {
  std::string name;
  DType dtype = DType::F16;
  float offset = 0, scale = 0;  // each value is offset + scale * u, u uniform in [-1, 1)
  Shape shape;
};

// The lines of tests/data/models/NAME.layout.
std::vector<TensorRecipe> read_layout(std::string_view name);

// Throws std::out_of_range if there is no tensor with this name.
TensorRecipe& find(std::vector<TensorRecipe>& recipes, std::string_view name);

// The bytes of a SafeTensors file.
std::vector<std::byte> file_bytes(const std::vector<TensorRecipe>& recipes, const Metadata& metadata = {});

// A layout as the contents of a file, its UNet taking so many channels: 4; 8, as a model that edits; 9, as one that
// inpaints.
std::string tiny_file(std::int64_t channels = 4, std::string_view layout = "tiny");

// A SafeTensors file, opened.
SafeTensors random_file(const std::vector<TensorRecipe>& recipes, const Metadata& metadata = {});

}  // namespace safelight::test
