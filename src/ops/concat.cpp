#include "ops/backend.h"
#include "ops/check.h"

namespace safelight {

Tensor Backend::concat(const Tensor& a, const Tensor& b) {
  const auto lead = [](const Tensor& t) { return Shape(t.shape().begin(), t.shape().end() - (t.rank() ? 1 : 0)); };
  if (a.rank() == 0 || b.rank() == 0 || a.dtype() != DType::F32 || b.dtype() != DType::F32 || lead(a) != lead(b))
    fail(ErrorCategory::model, "[concat] {} and {} differ in more than channels", to_string(a.shape()),
         to_string(b.shape()));
  Shape shape = a.shape();
  shape.back() += b.shape().back();
  Tensor y = empty(std::move(shape));
  perform(WorkKind::passing, static_cast<double>(y.elements()), [&] { run_concat(a, b, y); });
  return y;
}

}  // namespace safelight
