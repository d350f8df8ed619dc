#include "arithmetic/lora.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "arithmetic/lora_names.h"
#include "arithmetic/row_product.h"
#include "arithmetic/scale_names.h"
#include "arithmetic/source.h"
#include "core/fail.h"
#include "core/printable.h"
#include "format/shape_of.h"
#include "tensor/cast_kernels.h"
#include "tensor/decode.h"

namespace safelight {
namespace {

constexpr std::size_t kLongestName = 200;  // characters of a name that messages show

// The parts of one module in a LoRA file.
struct Parts {
  const TensorInfo *up = nullptr, *down = nullptr, *mid = nullptr, *alpha = nullptr;
};

// A tensor of the checkpoint, or a part of its rows.
struct Home {
  const TensorInfo* tensor;
  int part, parts;
};

std::unordered_map<std::string, Home> homes_in(const ShardedTensors& base) {
  std::unordered_map<std::string, Home> homes;
  for (const auto& [info, shard] : base.tensors())
    for (LoraHome& home : lora_homes(info->name))
      homes.try_emplace(std::move(home.module), Home{info, home.part, home.parts});
  return homes;
}

std::int64_t elements_of(const TensorInfo& info) {
  return static_cast<std::int64_t>(info.bytes() * 8 / static_cast<std::uint64_t>(bits(info.dtype)));
}

// Elements for each index of the first dimension; 0 for a scalar, and if there are none.
std::int64_t row_length(const TensorInfo& info) {
  return info.shape.empty() || info.shape[0] == 0 ? 0 : elements_of(info) / static_cast<std::int64_t>(info.shape[0]);
}

std::int64_t rows_of(const TensorInfo& info) {
  return info.shape.empty() ? 0 : static_cast<std::int64_t>(info.shape[0]);
}

// What the module's matrices make: [rows of up][length].
std::int64_t product_length(const Parts& parts) {
  if (!parts.mid) return row_length(*parts.down);
  const std::int64_t rank = rows_of(*parts.down);
  return rank == 0 ? 0 : row_length(*parts.mid) / rank * row_length(*parts.down);
}

bool fit_each_other(const Parts& parts) {
  if (row_length(*parts.up) == 0 || row_length(*parts.down) == 0) return false;
  if (!parts.mid) return row_length(*parts.up) == rows_of(*parts.down);
  const bool square =
      parts.mid->shape.size() == 4 && static_cast<std::int64_t>(parts.mid->shape[1]) == rows_of(*parts.down);
  return square && row_length(*parts.mid) > 0 && row_length(*parts.up) == rows_of(*parts.mid);
}

std::string described(const TensorInfo& info) {
  return fmt::format("\"{}\" {} {}", printable(info.name, kLongestName), name(info.dtype), to_string(shape_of(info)));
}

void check(const Parts& parts, const Home& home) {
  for (const TensorInfo* info : {parts.up, parts.down, parts.mid, home.tensor})
    if (info && !can_cast(info->dtype))
      fail(ErrorCategory::model, "[lora] expected floating numbers, found {}", described(*info));
  if (!fit_each_other(parts))
    fail(ErrorCategory::model, "[lora] {} and {} are not two matrices that can be multiplied", described(*parts.up),
         described(*parts.down));
  const std::int64_t rows = rows_of(*parts.up) * home.parts, length = product_length(parts);
  if (rows != rows_of(*home.tensor) || length != row_length(*home.tensor))
    fail(ErrorCategory::model, "[lora] {} was made for another model: it changes {} x {} numbers, but {} is {}",
         described(*parts.up), rows, length, home.parts > 1 ? "all of its tensor" : "the tensor",
         described(*home.tensor));
}

double alpha_of(const SafeTensors& file, const Parts& parts) {
  const auto rank = static_cast<double>(rows_of(*parts.down));
  if (!parts.alpha) return rank;
  if (!has_numbers(parts.alpha->dtype) || elements_of(*parts.alpha) != 1)
    fail(ErrorCategory::model, "[lora] expected one number, found {}", described(*parts.alpha));
  std::vector<std::byte> scratch;
  double alpha = 0;
  decode(parts.alpha->dtype, Source(file, *parts.alpha).read(0, 1, scratch), 1, &alpha);
  return alpha;
}

// All numbers of a tensor, as floats.
std::vector<float> load(const SafeTensors& file, const TensorInfo& info) {
  const Source source(file, info);
  std::vector<float> values(static_cast<std::size_t>(source.elements()));
  std::vector<std::byte> scratch;
  const CastKernel kernel = cast_kernel(info.dtype, DType::F32);
  for (std::int64_t first = 0; first < source.elements(); first += kSlice) {
    const std::int64_t count = std::min(kSlice, source.elements() - first);
    kernel(source.read(first, count, scratch), count, reinterpret_cast<std::byte*>(values.data() + first));
  }
  return values;
}

// [p][in][pixels] from mid [p][q][pixels] and down [q][in].
std::vector<float> through_mid(const std::vector<float>& mid, const std::vector<float>& down, std::int64_t p,
                               std::int64_t q, std::int64_t in) {
  const std::int64_t pixels = static_cast<std::int64_t>(mid.size()) / (p * q);
  std::vector<float> result(static_cast<std::size_t>(p * in * pixels)), factors(static_cast<std::size_t>(q)),
      row(static_cast<std::size_t>(in));
  for (std::int64_t i = 0; i < p; ++i)
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (std::int64_t j = 0; j < q; ++j)
        factors[static_cast<std::size_t>(j)] = mid[static_cast<std::size_t>((i * q + j) * pixels + pixel)];
      row_product(factors.data(), q, down.data(), in, in, row.data());
      for (std::int64_t j = 0; j < in; ++j)
        result[static_cast<std::size_t>((i * in + j) * pixels + pixel)] = row[static_cast<std::size_t>(j)];
    }
  return result;
}

// The modules of a LoRA file, and the names of tensors that are none.
std::map<std::string, Parts> modules_in(const SafeTensors& file, std::vector<std::string>& unmatched) {
  std::map<std::string, Parts> modules;
  for (const TensorInfo& info : file.tensors()) {
    const auto parsed = parse_lora_name(info.name);
    if (!parsed) {
      unmatched.push_back(info.name);
      continue;
    }
    Parts& parts = modules[parsed->module];
    const TensorInfo*& place = parsed->role == LoraRole::up     ? parts.up
                               : parsed->role == LoraRole::down ? parts.down
                               : parsed->role == LoraRole::mid  ? parts.mid
                                                                : parts.alpha;
    if (place)
      fail(ErrorCategory::model, "[lora] {} has \"{}\" and \"{}\", which mean the same",
           printable(file.path().native()), printable(place->name, kLongestName), printable(info.name, kLongestName));
    place = &info;
  }
  return modules;
}

// What is added to numbers that are multiplied with a scale later would be multiplied, too.
void expect_unscaled(const ShardedTensors& base, const TensorInfo& weight) {
  if (!weight.name.ends_with(".weight")) return;
  const std::string layer = weight.name.substr(0, weight.name.size() - std::string_view("weight").size());
  for (const std::string_view scale : kScaleNames)
    if (base.find(layer + std::string(scale)).info)
      fail(ErrorCategory::model, "[lora] {} has a {} beside it, expected weights without scales", described(weight),
           scale);
}

}  // namespace

LoraPlan::LoraPlan(const ShardedTensors& base, std::span<const WeightedFile> loras) {
  const std::unordered_map<std::string, Home> homes = homes_in(base);
  for (const WeightedFile& lora : loras) {
    const SafeTensors file = SafeTensors::open(lora.path);
    for (const auto& [module, parts] : modules_in(file, unmatched_)) {
      const auto home = homes.find(module);
      if (home == homes.end() || (!parts.up && !parts.down)) {
        for (const TensorInfo* info : {parts.up, parts.down, parts.mid, parts.alpha})
          if (info) unmatched_.push_back(info->name);
        continue;
      }
      if (!parts.up || !parts.down)
        fail(ErrorCategory::model, "[lora] {}: {} has no {} beside it", printable(lora.path.native()),
             described(parts.up ? *parts.up : *parts.down), parts.up ? "down" : "up");
      expect_unscaled(base, *home->second.tensor);
      check(parts, home->second);
      const double scale = lora.weight * alpha_of(file, parts) / static_cast<double>(rows_of(*parts.down));
      modules_[home->second.tensor->name].push_back({file, *parts.up, *parts.down,
                                                     parts.mid ? std::optional(*parts.mid) : std::nullopt, scale,
                                                     home->second.part, home->second.parts});
      ++count_;
    }
  }
}

std::span<const LoraModule> LoraPlan::modules(const std::string& tensor) const {
  const auto found = modules_.find(tensor);
  return found == modules_.end() ? std::span<const LoraModule>() : found->second;
}

LoraDelta::LoraDelta(const LoraModule& module, std::int64_t elements)
    : rows_(rows_of(module.up)),
      columns_(rows_ == 0 ? 0 : elements / module.parts / rows_),
      rank_(row_length(module.up)),
      scale_(module.scale),
      up_(load(module.file, module.up)),
      down_(load(module.file, module.down)) {
  first_row_ = module.part * rows_;
  if (module.mid)
    down_ = through_mid(load(module.file, *module.mid), down_, rank_, rows_of(module.down), row_length(module.down));
}

void LoraDelta::add(std::int64_t first, std::int64_t count, double* values) const {
  std::vector<float> row(static_cast<std::size_t>(std::min(columns_, count)));
  const std::int64_t begin = std::max(first, first_row_ * columns_);
  const std::int64_t end = std::min(first + count, (first_row_ + rows_) * columns_);
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t index = at / columns_ - first_row_, column = at % columns_;
    const std::int64_t run = std::min(columns_ - column, end - at);
    row_product(up_.data() + index * rank_, rank_, down_.data() + column, columns_, run, row.data());
    for (std::int64_t i = 0; i < run; ++i) values[at - first + i] += scale_ * row[static_cast<std::size_t>(i)];
    at += run;
  }
}

}  // namespace safelight
