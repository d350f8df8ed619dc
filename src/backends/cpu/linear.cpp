#include "backends/cpu/ops.h"
#include "backends/cpu/product.h"

namespace safelight::cpu {
namespace {

class CpuLinear final : public Linear {
 public:
  CpuLinear(const LinearSpec& spec, Backend& backend, Engine& engine, const Weight& weight, const Tensor& bias)
      : Linear(spec, backend), engine_(engine), weight_(as_stored(weight)), bias_(as_floats(bias)) {}

 private:
  void run(const Joined& x, const Epilogue& tail, Tensor& y) override {
    const std::int64_t rows = x.elements() / spec_.in;
    Tail finish = make_tail(tail, weight_.scales, bias_, y);
    finish.geglu = spec_.geglu;
    run_product(engine_, {.weight = {weight_.values.data(), weight_.values.dtype(), spec_.out, spec_.in, 1},
                          .source = rows_of(x, rows),
                          .tail = finish,
                          .y = y.mutable_floats().data(),
                          .rows = rows,
                          .channels = y.shape().back(),
                          .rounded = spec_.precision == Precision::bf16});
  }

  Engine& engine_;
  Weight weight_;
  Tensor bias_;
};

}  // namespace

std::unique_ptr<Linear> make_linear(const LinearSpec& spec, Backend& backend, Engine& engine, const Weight& weight,
                                    const Tensor& bias) {
  check_linear_weights(spec, weight, bias);
  if (spec.precision == Precision::int8) return make_int8_linear(spec, backend, engine, weight, bias);
  return std::make_unique<CpuLinear>(spec, backend, engine, weight, bias);
}

}  // namespace safelight::cpu
