#include "ops/attention.h"

#include "ops/backend.h"
#include "ops/check.h"

namespace safelight {

Tensor Backend::attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec) {
  const std::int64_t channels = q.rank() == 3 ? q.dim(2) : 0;
  if (spec.heads < 1 || channels % spec.heads != 0 || channels == 0)
    fail(ErrorCategory::model,
         "[attention] q is {}: expected [n, tokens, channels] with channels a multiple of {} heads",
         to_string(q.shape()), spec.heads);
  expect_channels("attention", "q", q, channels, 3);
  expect_channels("attention", "k", k, channels, 3);
  expect_shape("attention", "k", k, {q.dim(0), k.dim(1), channels});
  expect_shape("attention", "v", v, k.shape());
  if (k.dim(1) == 0) fail(ErrorCategory::model, "[attention] k has no tokens");
  if (spec.causal && k.dim(1) != q.dim(1))
    fail(ErrorCategory::model, "[attention] causal needs as many keys as queries, found {} and {}", k.dim(1), q.dim(1));
  Tensor y = empty(q.shape());
  const double pairs = static_cast<double>(q.dim(0) * q.dim(1)) * static_cast<double>(k.dim(1));
  perform(WorkKind::attention, 4 * pairs * static_cast<double>(channels), [&] { run_attention(q, k, v, spec, y); });
  return y;
}

}  // namespace safelight
