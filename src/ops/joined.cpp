#include "ops/joined.h"

#include "ops/check.h"

namespace safelight {

Shape Joined::shape() const {
  Shape shape = a.shape();
  if (b) shape.back() += b->shape().back();
  return shape;
}

void expect_joinable(std::string_view op, const Joined& x) {
  const auto lead = [](const Tensor& t) { return Shape(t.shape().begin(), t.shape().end() - (t.rank() ? 1 : 0)); };
  if (!x.b) return;
  if (x.a.rank() == 0 || x.b->rank() == 0 || x.a.dtype() != DType::F32 || x.b->dtype() != DType::F32 ||
      lead(x.a) != lead(*x.b))
    fail(ErrorCategory::model, "[{}] {} and {} differ in more than channels", op, to_string(x.a.shape()),
         to_string(x.b->shape()));
}

void expect_channels(std::string_view op, std::string_view what, const Joined& x, std::int64_t channels,
                     std::size_t rank) {
  if (!x.b) return expect_channels(op, what, x.a, channels, rank);
  expect_joinable(op, x);
  if (x.a.rank() < rank || x.shape().back() != channels)
    fail(ErrorCategory::model, "[{}] {} is F32 {} and {}, expected rank {} or more and {} channels last together", op,
         what, to_string(x.a.shape()), to_string(x.b->shape()), rank, channels);
}

}  // namespace safelight
