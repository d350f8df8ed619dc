#include "models/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "arithmetic/scale_names.h"
#include "core/fail.h"

namespace safelight {
namespace {

bool holds_numbers(DType dtype) {
  constexpr std::array kTypes{DType::F16, DType::BF16, DType::F32, DType::F64, DType::F8_E4M3, DType::F8_E5M2};
  return std::find(kTypes.begin(), kTypes.end(), dtype) != kTypes.end();
}

// Whether what a file says of its quantisation, as JSON, has weights turned by a Hadamard matrix. Every layer asks, and
// a file's metadata may be large: it is not copied.
bool says_rotated(std::string_view json) {
  constexpr std::string_view kKey = "\"convrot\"";
  for (std::size_t at = json.find(kKey); at != std::string_view::npos; at = json.find(kKey, at)) {
    at = std::min(json.find_first_not_of(" \t\r\n:", at + kKey.size()), json.size());
    if (json.substr(at).starts_with("true")) return true;
  }
  return false;
}

std::string either(std::span<const Shape> shapes) {
  std::string text = to_string(shapes.front());
  for (const Shape& shape : shapes.subspan(1)) text += " or " + to_string(shape);
  return text;
}

}  // namespace

Loader::Loader(const Checkpoint& checkpoint, Backend& backend, std::string prefix)
    : checkpoint_(checkpoint), backend_(&backend), prefix_(std::move(prefix)) {}

Loader Loader::operator/(std::string_view name) const {
  Loader below = *this;
  below.prefix_ = path(name);
  return below;
}

Loader Loader::with(Precision precision) const {
  Loader same = *this;
  same.precision_ = precision;
  return same;
}

Loader Loader::operator/(std::int64_t index) const { return *this / std::to_string(index); }

std::string Loader::path(std::string_view name) const {
  return prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
}

bool Loader::has(std::string_view name) const {
  const std::string exact = path(name);
  return checkpoint_.find(exact) || !checkpoint_.below(exact + ".").empty();
}

std::int64_t Loader::count() const {
  const std::string below = prefix_ + ".";
  std::int64_t most = 1;
  for (const TensorInfo* t : checkpoint_.below(below)) {
    const char *digits = t->name.data() + below.size(), *end = t->name.data() + t->name.size();
    std::int32_t index = 0;
    const auto [stop, error] = std::from_chars(digits, end, index);
    if (error == std::errc() && index >= 0 && stop != end && *stop == '.')
      most = std::max(most, std::int64_t{index} + 1);
  }
  return most;
}

void Loader::reject(std::string_view name, std::string_view complaint) const {
  fail(ErrorCategory::model, "[model] {} {}", checkpoint_.where(path(name)), complaint);
}

const TensorInfo& Loader::info(std::string_view name) const {
  const TensorInfo* found = checkpoint_.find(path(name));
  if (!found) reject(name, "is missing");
  return *found;
}

std::int64_t Loader::dim(std::string_view name, std::size_t axis) const {
  const Shape shape = checkpoint_.tensor(info(name)).shape();
  if (axis >= shape.size())
    reject(name, fmt::format("has shape {}, expected at least {} dimensions", to_string(shape), axis + 1));
  if (shape[axis] == 0) reject(name, fmt::format("has shape {}, expected no size of zero", to_string(shape)));
  return shape[axis];
}

std::size_t Loader::rank(std::string_view name) const { return info(name).shape.size(); }

Tensor Loader::tensor(std::string_view name, const Shape& expected) const {
  return tensor(name, std::span<const Shape>(&expected, 1));
}

Tensor Loader::tensor(std::string_view name, std::span<const Shape> accepted, bool whole_numbers) const {
  const TensorInfo* found = checkpoint_.find(path(name));
  if (!found) reject(name, fmt::format("is missing, expected with shape {}", either(accepted)));
  Tensor t = checkpoint_.tensor(*found);
  if (std::find(accepted.begin(), accepted.end(), t.shape()) == accepted.end())
    reject(name, fmt::format("has shape {}, expected {}", to_string(t.shape()), either(accepted)));
  if (!holds_numbers(t.dtype()) && !(whole_numbers && t.dtype() == DType::I8))
    reject(name, fmt::format("has type {}, expected F16, BF16, F32, F64, F8_E4M3 or F8_E5M2{}",
                             safelight::name(t.dtype()), whole_numbers ? ", or I8" : ""));
  return t;
}

const TensorInfo* Loader::scale_of_weight() const {
  for (const std::string_view name : kScaleNames)
    if (const TensorInfo* found = checkpoint_.find(path(name))) return found;
  return nullptr;
}

// Of this layer, or else of the whole file.
bool Loader::is_rotated() const {
  if (const TensorInfo* own = checkpoint_.find(path("comfy_quant"))) {
    const Tensor text = checkpoint_.tensor(*own);
    return says_rotated({reinterpret_cast<const char*>(text.data()), text.bytes()});
  }
  const auto all = checkpoint_.metadata().find("_quantization_metadata");
  return all != checkpoint_.metadata().end() && says_rotated(all->second);
}

// F32 [out]; empty if there are none.
Tensor Loader::scales(std::int64_t out) const {
  for (const char* other : {"weight_scale_2", "pre_quant_scale"})
    if (checkpoint_.find(path(other))) reject(other, "is there, expected weights with one kind of scale or none");
  const TensorInfo* found = scale_of_weight();
  if (!found) return {};
  const std::string_view name = std::string_view(found->name).substr(path("").size());
  if (is_rotated()) reject(name, "is of rotated weights (convrot), expected plain ones");
  const Tensor given = checkpoint_.tensor(*found);
  if (!holds_numbers(given.dtype()))
    reject(name, fmt::format("has type {}, expected F32", safelight::name(given.dtype())));
  const std::int64_t count = given.elements();
  if (count != 1 && (count != out || given.dim(0) != out))
    reject(name, fmt::format("has shape {}, expected one scale, or one for each of {} output channels",
                             to_string(given.shape()), out));
  const Tensor values = to_f32(given);
  Tensor result = Tensor::allocate(DType::F32, {out});
  for (std::size_t i = 0; i < result.floats().size(); ++i)
    result.mutable_floats()[i] = values.floats()[count == 1 ? 0 : i];
  return result;
}

Weight Loader::weight(std::span<const Shape> accepted, std::int64_t out) const {
  Tensor scales_of_channels = scales(out);
  Tensor values = tensor("weight", accepted, !scales_of_channels.empty());
  return {std::move(values), std::move(scales_of_channels)};
}

std::unique_ptr<Conv2d> Loader::conv2d(const Conv2dSpec& spec) const {
  const std::array<Shape, 2> shapes{Shape{spec.out, spec.in, spec.kernel, spec.kernel}, Shape{spec.out, spec.in}};
  Weight bound = weight(std::span(shapes).first(spec.kernel == 1 ? 2 : 1), spec.out);
  Conv2dSpec precise = spec;
  precise.precision = precision_;
  return backend_->conv2d(precise, std::move(bound), tensor("bias", {spec.out}));
}

std::unique_ptr<Linear> Loader::linear(const LinearSpec& spec, Bias bias) const {
  const std::array<Shape, 2> shapes{Shape{spec.out, spec.in}, Shape{spec.out, spec.in, 1, 1}};
  if (spec.geglu && spec.out % 2 != 0)
    reject("weight", fmt::format("has {} rows, expected an even number: values and gates", spec.out));
  Weight bound = weight(shapes, spec.out);
  LinearSpec precise = spec;
  precise.precision = precision_;
  return backend_->linear(precise, std::move(bound), bias == Bias::required ? tensor("bias", {spec.out}) : Tensor());
}

std::unique_ptr<GroupNorm> Loader::group_norm(const GroupNormSpec& spec) const {
  if (spec.channels % spec.groups != 0)
    reject("weight", fmt::format("normalises {} channels, expected a multiple of {}", spec.channels, spec.groups));
  Tensor weight = tensor("weight", {spec.channels});
  return backend_->group_norm(spec, std::move(weight), tensor("bias", {spec.channels}));
}

std::unique_ptr<LayerNorm> Loader::layer_norm(const LayerNormSpec& spec) const {
  Tensor weight = tensor("weight", {spec.channels});
  return backend_->layer_norm(spec, std::move(weight), tensor("bias", {spec.channels}));
}

std::unique_ptr<Embedding> Loader::embedding(const EmbeddingSpec& spec) const {
  if (scale_of_weight()) reject("weight", "has a scale, expected a table without");
  return backend_->embedding(spec, tensor("weight", {spec.rows, spec.width}));
}

}  // namespace safelight
