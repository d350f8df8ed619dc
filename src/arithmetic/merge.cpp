// A merge is planned from headers alone; the tensors are then made, a slice at a time, while they are written.
#include "safelight/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <set>

#include "arithmetic/lora.h"
#include "arithmetic/source.h"
#include "core/fail.h"
#include "core/printable.h"
#include "format/shape_of.h"
#include "safelight/edit.h"
#include "safelight/writer.h"
#include "tensor/cast_kernels.h"
#include "tensor/decode.h"

namespace safelight {
namespace {

constexpr std::size_t kNamesShown = 3, kLongestName = 120;

struct Term {
  ShardedTensors files;
  double weight;
};

// What becomes of one tensor of the first term.
struct Recipe {
  ShardedTensors::Entry base = {};
  std::vector<std::pair<Source, double>> terms = {};  // the first file's too
  std::span<const LoraModule> loras = {};
  DType to = DType::F32;
  CastLosses losses = {};

  bool copies() const noexcept {
    return terms.size() == 1 && terms[0].second == 1 && loras.empty() && to == base.info->dtype;
  }
};

std::string some_of(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (const std::string& name : names)
    if (shown.size() < kNamesShown) shown.push_back(printable(name, kLongestName));
  return fmt::format("{}{}", fmt::join(shown, ", "), names.size() > shown.size() ? ", ..." : "");
}

void check(const MergeOptions& options) {
  if (options.terms.empty()) fail(ErrorCategory::usage, "[merge] expected a file to begin with, found none");
  if (options.terms.size() == 1 && options.terms[0].weight == 1 && options.loras.empty())
    fail(ErrorCategory::usage, "[merge] expected something to merge: another file or a LoRA");
  for (const auto* files : {&options.terms, &options.loras})
    for (const WeightedFile& file : *files)
      if (!std::isfinite(file.weight))
        fail(ErrorCategory::usage, "[merge] expected a finite weight for {}, found {}", printable(file.path.native()),
             file.weight);
  if (options.to && !can_cast(*options.to))
    fail(ErrorCategory::usage, "[merge] expected F64, F32, F16, BF16, F8_E4M3 or F8_E5M2, found {}", name(*options.to));
}

class Plan {
 public:
  explicit Plan(const MergeOptions& options) : terms_(open(options.terms)), loras_(terms_[0].files, options.loras) {
    for (const ShardedTensors::Entry& entry : base().tensors()) add(entry, options);
    std::set<std::string> left_out;  // integers (position_ids) come and go with the program that saved the file
    for (std::size_t i = 1; i < terms_.size(); ++i)
      for (const auto& [info, shard] : terms_[i].files.tensors())
        if (can_cast(info->dtype) && !base().find(info->name).info) left_out.insert(info->name);
    report.left_out.assign(left_out.begin(), left_out.end());
    report.tensors = static_cast<std::int64_t>(recipes.size());
    report.lora_modules = loras_.count();
    report.unmatched = loras_.unmatched();
    check_fit(options);
  }

  const ShardedTensors& base() const { return terms_[0].files; }

  std::vector<Recipe> recipes;
  MergeReport report;

 private:
  static std::vector<Term> open(const std::vector<WeightedFile>& files) {
    std::vector<Term> terms;
    terms.reserve(files.size());
    for (const WeightedFile& file : files) terms.push_back({ShardedTensors::open(file.path), file.weight});
    return terms;
  }

  void add(const ShardedTensors::Entry& entry, const MergeOptions& options) {
    const TensorInfo& info = *entry.info;
    Recipe recipe{.base = entry, .loras = loras_.modules(info.name), .to = info.dtype};
    recipe.terms.emplace_back(Source(*entry.shard, info), 1);
    if (can_cast(info.dtype)) {
      recipe.to = options.to.value_or(info.dtype);
      if (const auto terms = paired(info); terms.size() == terms_.size()) {
        recipe.terms = terms;
        report.summed += terms_.size() > 1 ? 1 : 0;
      } else {
        report.kept.push_back(info.name);
      }
    }
    recipes.push_back(std::move(recipe));
  }

  // The tensor in every file, as far as it is there, of this shape, and floating.
  std::vector<std::pair<Source, double>> paired(const TensorInfo& info) const {
    std::vector<std::pair<Source, double>> found;
    for (const Term& term : terms_)
      if (const auto [other, shard] = term.files.find(info.name);
          other && other->shape == info.shape && can_cast(other->dtype))
        found.emplace_back(Source(*shard, *other), term.weight);
    return found;
  }

  void check_fit(const MergeOptions& options) const {
    if (!options.keep_unpaired && !report.kept.empty())
      fail(ErrorCategory::model, "[merge] {} of {} tensors of {} are not in every file with the same shape: {}",
           report.kept.size(), recipes.size(), printable(base().path().native()), some_of(report.kept));
    if (!options.keep_unpaired && !report.left_out.empty())
      fail(ErrorCategory::model, "[merge] {} lacks {} tensors that another file has: {}",
           printable(base().path().native()), report.left_out.size(), some_of(report.left_out));
    if (!options.skip_unmatched && !report.unmatched.empty())
      fail(ErrorCategory::model, "[merge] {} tensors of the LoRA files fit nothing in {}: {}", report.unmatched.size(),
           printable(base().path().native()), some_of(report.unmatched));
  }

  std::vector<Term> terms_;
  LoraPlan loras_;
};

void add_term(const Source& source, double weight, std::int64_t first, std::vector<double>& values,
              std::vector<double>& decoded, std::vector<std::byte>& scratch) {
  const auto count = static_cast<std::int64_t>(values.size());
  decoded.resize(values.size());
  decode(source.dtype(), source.read(first, count, scratch), count, decoded.data());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += weight * decoded[i];
}

// The neighbour in F32 whose last bit is odd, unless the value is in F32 as it is. A second rounding, to a type of at
// least two bits fewer, then gives what a single one would have: the odd bit remembers on which side of a tie it lies.
float rounded_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  const auto bits = std::bit_cast<std::uint32_t>(nearest);
  const bool exact = static_cast<double>(nearest) == value || value != value;
  const bool beyond = std::abs(static_cast<double>(nearest)) > std::abs(value);
  return exact || (bits & 1) ? nearest : std::bit_cast<float>(beyond ? bits - 1 : bits + 1);
}

// Rounds once, to `to`, although casts of doubles go through F32.
CastLosses store(const std::vector<double>& values, DType to, std::byte* out, std::vector<float>& odd) {
  const auto count = static_cast<std::int64_t>(values.size());
  if (to == DType::F64 || to == DType::F32)
    return cast_kernel(DType::F64, to)(reinterpret_cast<const std::byte*>(values.data()), count, out);
  odd.resize(values.size());
  std::transform(values.begin(), values.end(), odd.begin(), rounded_to_odd);
  return cast_kernel(DType::F32, to)(reinterpret_cast<const std::byte*>(odd.data()), count, out);
}

Tensor made(Recipe& recipe) {
  if (recipe.copies()) return read_tensor(*recipe.base.shard, *recipe.base.info);
  Tensor result = Tensor::allocate(recipe.to, shape_of(*recipe.base.info));
  std::vector<LoraDelta> deltas;
  for (const LoraModule& module : recipe.loras) deltas.emplace_back(module, result.elements());
  std::vector<double> values, decoded;
  std::vector<float> odd;
  std::vector<std::byte> scratch;
  for (std::int64_t first = 0; first < result.elements(); first += kSlice) {
    const std::int64_t count = std::min(kSlice, result.elements() - first);
    values.assign(static_cast<std::size_t>(count), 0.0);
    for (const auto& [source, weight] : recipe.terms) add_term(source, weight, first, values, decoded, scratch);
    for (const LoraDelta& delta : deltas) delta.add(first, count, values.data());
    recipe.losses += store(values, recipe.to, result.mutable_data() + first * bits(recipe.to) / 8, odd);
  }
  return result;
}

}  // namespace

std::vector<WeightedFile> add_difference(const std::filesystem::path& a, const std::filesystem::path& b,
                                         const std::filesystem::path& c, double amount) {
  return {{a, 1}, {b, amount}, {c, -amount}};
}

MergeReport merge(const std::filesystem::path& out, const MergeOptions& options, const Context& context) {
  check(options);
  Plan plan(options);
  std::vector<PendingTensor> tensors;
  tensors.reserve(plan.recipes.size());
  for (Recipe& recipe : plan.recipes)
    tensors.push_back(
        {recipe.base.info->name, recipe.to, shape_of(*recipe.base.info), [&recipe] { return made(recipe); }});
  plan.report.saved = save(out, tensors, without_hashes(plan.base().metadata()), {}, context);
  for (const Recipe& recipe : plan.recipes) plan.report.losses += recipe.losses;
  return std::move(plan.report);
}

}  // namespace safelight
