#include <algorithm>

#include "backends/cpu/kernels/int8.h"
#include "backends/cpu/ops.h"
#include "backends/cpu/product.h"
#include "backends/cpu/rounding.h"

namespace safelight::cpu {
namespace {

// Rounded inputs of one task stay in the second-level cache beside one panel of weights.
constexpr std::int64_t kInputBytes = 256 * 1024;
constexpr std::int64_t kFewestRows = 48, kMostRows = 512;
// Multiply-adds of one task, at most, where the rows allow: about 1 ms of one core.
constexpr std::int64_t kTaskWork = 200'000'000;

void choose_blocks(Int8Call& call) {
  const std::int64_t row_bytes = call.groups() * 4, rows = call.product.rows;
  const std::int64_t most = std::clamp(kInputBytes / row_bytes, kFewestRows, kMostRows);
  call.row_block = divide_up(rows, divide_up(rows, most));
  const std::int64_t panel_work = call.row_block * call.product.weight.in * call.panel;
  call.panel_block = divide_up(call.panels(), divide_up(call.panels() * panel_work, kTaskWork));
}

// Makes both sides of the product whole numbers, in memory that lasts as long as the call, and multiplies them.
void run_int8(Engine& engine, Int8Call call) {
  const std::int64_t rows = call.product.rows, columns = call.panels() * call.panel;
  if (rows == 0) return;
  const auto take = [&](std::int64_t count) { return engine.empty({count}); };
  const auto whole_numbers = [](Tensor& t) { return reinterpret_cast<std::int32_t*>(t.mutable_data()); };
  Tensor weights = take(call.groups() * columns), weight_units = take(columns), first_sums = take(columns),
         inputs = take(rows * call.groups()), input_units = take(rows);
  call.weights = whole_numbers(weights);
  call.weight_units = weight_units.mutable_floats().data();
  call.first_sums = whole_numbers(first_sums);
  call.inputs = whole_numbers(inputs);
  call.input_units = input_units.mutable_floats().data();
  choose_blocks(call);
  const Int8Kernels& kernels = engine.kernels.int8;
  engine.for_each_with_scratch(call.prepare_tasks(), call.scratch(engine.kernels.lanes),
                               [&](std::int64_t task, float* scratch) { kernels.prepare(call, task, scratch); });
  engine.for_each(call.multiply_tasks(), [&](std::int64_t task) { kernels.multiply(call, task); });
}

class CpuInt8Linear final : public Linear {
 public:
  CpuInt8Linear(const LinearSpec& spec, Backend& backend, Engine& engine, const Weight& weight, const Tensor& bias)
      : Linear(spec, backend), engine_(engine), weight_(as_stored(weight)), bias_(as_floats(bias)) {}

 private:
  void run(const Joined& x, const Epilogue& tail, Tensor& y) override {
    const std::int64_t rows = x.elements() / spec_.in;
    Tail finish = make_tail(tail, weight_.scales, bias_, y);
    finish.geglu = spec_.geglu;
    run_int8(engine_, {.product = {.weight = {weight_.values.data(), weight_.values.dtype(), spec_.out, spec_.in, 1},
                                   .source = rows_of(x, rows),
                                   .tail = finish,
                                   .y = y.mutable_floats().data(),
                                   .rows = rows,
                                   .channels = y.shape().back()},
                       .group = engine_.kernels.int8.group,
                       .panel = engine_.kernels.panel});
  }

  Engine& engine_;
  Weight weight_;
  Tensor bias_;
};

}  // namespace

std::unique_ptr<Linear> make_int8_linear(const LinearSpec& spec, Backend& backend, Engine& engine, const Weight& weight,
                                         const Tensor& bias) {
  return std::make_unique<CpuInt8Linear>(spec, backend, engine, weight, bias);
}

}  // namespace safelight::cpu
