#include "models/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/fail.h"

namespace safelight {
namespace {

bool holds_numbers(DType dtype) {
  constexpr std::array kTypes{DType::F16, DType::BF16, DType::F32, DType::F64, DType::F8_E4M3, DType::F8_E5M2};
  return std::find(kTypes.begin(), kTypes.end(), dtype) != kTypes.end();
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

Tensor Loader::tensor(std::string_view name, std::span<const Shape> accepted) const {
  const TensorInfo* found = checkpoint_.find(path(name));
  if (!found) reject(name, fmt::format("is missing, expected with shape {}", either(accepted)));
  Tensor t = checkpoint_.tensor(*found);
  if (std::find(accepted.begin(), accepted.end(), t.shape()) == accepted.end())
    reject(name, fmt::format("has shape {}, expected {}", to_string(t.shape()), either(accepted)));
  if (!holds_numbers(t.dtype()))
    reject(name,
           fmt::format("has type {}, expected F16, BF16, F32, F64, F8_E4M3 or F8_E5M2", safelight::name(t.dtype())));
  return t;
}

std::unique_ptr<Conv2d> Loader::conv2d(const Conv2dSpec& spec) const {
  const std::array<Shape, 2> shapes{Shape{spec.out, spec.in, spec.kernel, spec.kernel}, Shape{spec.out, spec.in}};
  Tensor weight = tensor("weight", std::span(shapes).first(spec.kernel == 1 ? 2 : 1));
  return backend_->conv2d(spec, std::move(weight), tensor("bias", {spec.out}));
}

std::unique_ptr<Linear> Loader::linear(const LinearSpec& spec, Bias bias) const {
  const std::array<Shape, 2> shapes{Shape{spec.out, spec.in}, Shape{spec.out, spec.in, 1, 1}};
  if (spec.geglu && spec.out % 2 != 0)
    reject("weight", fmt::format("has {} rows, expected an even number: values and gates", spec.out));
  Tensor weight = tensor("weight", shapes);
  LinearSpec bound = spec;
  bound.precision = precision_;
  return backend_->linear(bound, std::move(weight), bias == Bias::required ? tensor("bias", {spec.out}) : Tensor());
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
  return backend_->embedding(spec, tensor("weight", {spec.rows, spec.width}));
}

}  // namespace safelight
