#include "backends/cpu/cpu_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "backends/cpu/ops.h"
#include "core/fail.h"

namespace safelight {
namespace {

class CpuBackend final : public Backend {
 public:
  CpuBackend(const Context& context, const cpu::Kernels& kernels) : engine_(context, kernels) {}

  std::string_view name() const override { return "cpu"; }
  std::string_view instruction_set() const override { return engine_.kernels.name; }
  Tensor empty(Shape shape) override { return engine_.empty(std::move(shape)); }
  void trim(std::uint64_t keep) noexcept override { engine_.trim(keep); }
  std::uint64_t peak_bytes() const override { return engine_.peak_bytes(); }
  bool gains_from(Precision precision) const override {
    const cpu::Kernels& kernels = engine_.kernels;
    return precision != Precision::bf16 || kernels.split_product.multiply || kernels.product_of_pairs;
  }

  std::unique_ptr<Conv2d> conv2d(const Conv2dSpec& spec, Weight weight, Tensor bias) override {
    return cpu::make_conv2d(spec, *this, engine_, weight, bias);
  }
  std::unique_ptr<Linear> linear(const LinearSpec& spec, Weight weight, Tensor bias) override {
    return cpu::make_linear(spec, *this, engine_, weight, bias);
  }
  std::unique_ptr<GroupNorm> group_norm(const GroupNormSpec& spec, Tensor weight, Tensor bias) override {
    return cpu::make_group_norm(spec, *this, engine_, weight, bias);
  }
  std::unique_ptr<LayerNorm> layer_norm(const LayerNormSpec& spec, Tensor weight, Tensor bias) override {
    return cpu::make_layer_norm(spec, *this, engine_, weight, bias);
  }
  std::unique_ptr<Embedding> embedding(const EmbeddingSpec& spec, Tensor table) override {
    return cpu::make_embedding(spec, *this, engine_, table);
  }

 private:
  void begin_rehearsal() override { engine_.begin_rehearsal(); }
  std::uint64_t end_rehearsal() override { return engine_.end_rehearsal(); }
  bool runs_in_rehearsals() const override { return true; }

  void run_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec, Tensor& y) override {
    cpu::attention(engine_, q, k, v, spec, y);
  }
  void run_concat(const Tensor& a, const Tensor& b, Tensor& y) override { cpu::concat(engine_, a, b, y); }

  cpu::Engine engine_;
};

bool is_granted(const cpu::Kernels& kernels) { return !kernels.request || kernels.request(); }

const cpu::Kernels& kernels_named(std::string_view name) {
  for (const cpu::Kernels* kernels : cpu::available_kernels()) {
    if (kernels->name != name) continue;
    if (is_granted(*kernels)) return *kernels;
    fail(
        ErrorCategory::io,
        "[cpu] the system refuses the registers of '{}' to this process: expected alternate signal stacks of 11 KiB or "
        "more in all threads (SAFELIGHT_ISA; the other instruction sets do without)",
        name);
  }
  fail(ErrorCategory::usage, "[cpu] no instruction set '{}' on this processor (SAFELIGHT_ISA): expected one of {}",
       name, fmt::join(cpu_instruction_sets(), ", "));
}

}  // namespace

std::vector<std::string_view> cpu_instruction_sets() {
  std::vector<std::string_view> names;
  for (const cpu::Kernels* kernels : cpu::available_kernels()) names.push_back(kernels->name);
  return names;
}

std::unique_ptr<Backend> make_cpu_backend(const Context& context, std::string_view instruction_set) {
  return std::make_unique<CpuBackend>(context, kernels_named(instruction_set));
}

std::unique_ptr<Backend> make_cpu_backend(const Context& context) {
  const char* forced = std::getenv("SAFELIGHT_ISA");
  if (forced && *forced) return make_cpu_backend(context, forced);
  const auto& available = cpu::available_kernels();
  const auto best = std::ranges::find_if(available, [](const cpu::Kernels* kernels) { return is_granted(*kernels); });
  return std::make_unique<CpuBackend>(context, **best);  // the last, the baseline, asks for nothing
}

}  // namespace safelight
