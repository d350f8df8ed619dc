#include "models/random_checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <sstream>
#include <stdexcept>

namespace safelight::test {
namespace {

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

// Value `index` of the tensor whose name hashes to `seed`: 24 random bits as a number in [-1, 1).
float uniform(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<float>(z >> 40) * 0x1p-23f - 1.0f;
}

std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

// Round to nearest even. REQUIRES: |value| < 65504.
std::uint16_t to_f16(float value) {
  const auto sign = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16 & 0x8000u);
  const float magnitude = std::fabs(value);
  const auto bits = std::bit_cast<std::uint32_t>(magnitude);
  if (magnitude < 0x1p-14f)  // subnormal, a multiple of 2^-24: which is how finely floats in [0.5, 1) lie
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(magnitude + 0.5f) - 0x3F000000u));
  return static_cast<std::uint16_t>(sign | ((bits + 0xFFFu + ((bits >> 13) & 1u) - 0x38000000u) >> 13));
}

template <class Stored>
void append(std::vector<std::byte>& bytes, Stored value) {
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

// Value i becomes encode(value i).
template <class Encode>
void append_values(std::vector<std::byte>& bytes, const TensorRecipe& recipe, Encode encode) {
  const std::uint64_t seed = fnv1a(recipe.name);
  std::vector<decltype(encode(0.0f))> values(static_cast<std::size_t>(elements(recipe.shape)));
  if (recipe.scale == 0)  // all the same: for tests that compute nothing
    std::ranges::fill(values, encode(recipe.offset));
  else
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = encode(recipe.offset + recipe.scale * uniform(seed, i));
  const auto stored = std::as_bytes(std::span(values));
  bytes.insert(bytes.end(), stored.begin(), stored.end());
}

void append_values(std::vector<std::byte>& bytes, const TensorRecipe& recipe) {
  switch (recipe.dtype) {
    case DType::F16:
      return append_values(bytes, recipe, to_f16);
    case DType::BF16:
      return append_values(bytes, recipe, to_bf16);
    case DType::F32:
      return append_values(bytes, recipe, [](float value) { return value; });
    case DType::I32:
      return append_values(bytes, recipe, [](float) { return std::int32_t{0}; });
    default:
      throw std::invalid_argument("no recipe for this type");
  }
}

}  // namespace

std::vector<TensorRecipe> read_layout(std::string_view name) {
  const std::string path = fmt::format("{}/tests/data/models/{}.layout", SAFELIGHT_SOURCE_DIR, name);
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<TensorRecipe> recipes;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    TensorRecipe recipe;
    std::string dtype;
    words >> recipe.name >> dtype >> recipe.offset >> recipe.scale;
    recipe.dtype = parse_dtype(dtype).value_or(DType::BOOL);
    for (std::int64_t size; words >> size;) recipe.shape.push_back(size);
    recipes.push_back(std::move(recipe));
  }
  return recipes;
}

TensorRecipe& find(std::vector<TensorRecipe>& recipes, std::string_view name) {
  const auto found =
      std::find_if(recipes.begin(), recipes.end(), [&](const TensorRecipe& r) { return r.name == name; });
  if (found == recipes.end()) throw std::out_of_range("no recipe for " + std::string(name));
  return *found;
}

std::vector<std::byte> file_bytes(const std::vector<TensorRecipe>& recipes, const Metadata& metadata) {
  std::vector<std::string> members;
  std::vector<std::string> pairs;
  for (const auto& [key, value] : metadata) pairs.push_back(fmt::format(R"("{}":"{}")", key, value));
  if (!pairs.empty()) members.push_back(fmt::format(R"("__metadata__":{{{}}})", fmt::join(pairs, ",")));
  std::uint64_t end = 0;
  for (const TensorRecipe& recipe : recipes) {
    const std::uint64_t begin = end;
    end += static_cast<std::uint64_t>(elements(recipe.shape) * bits(recipe.dtype) / 8);
    members.push_back(fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", recipe.name,
                                  name(recipe.dtype), fmt::join(recipe.shape, ","), begin, end));
  }
  std::string header = fmt::format("{{{}}}", fmt::join(members, ","));
  header.resize((header.size() + 7) / 8 * 8, ' ');

  std::vector<std::byte> bytes;
  bytes.reserve(8 + header.size() + end);
  append(bytes, static_cast<std::uint64_t>(header.size()));
  for (const char c : header) bytes.push_back(static_cast<std::byte>(c));
  for (const TensorRecipe& recipe : recipes) append_values(bytes, recipe);
  return bytes;
}

std::string tiny_file(std::int64_t channels, std::string_view layout) {
  std::vector<TensorRecipe> recipes = read_layout(layout);
  find(recipes, "model.diffusion_model.input_blocks.0.0.weight").shape[1] = channels;
  const std::vector<std::byte> bytes = file_bytes(recipes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

SafeTensors random_file(const std::vector<TensorRecipe>& recipes, const Metadata& metadata) {
  const auto bytes = std::make_shared<const std::vector<std::byte>>(file_bytes(recipes, metadata));
  return SafeTensors::parse(*bytes, Mode::strict, bytes);
}

}  // namespace safelight::test
