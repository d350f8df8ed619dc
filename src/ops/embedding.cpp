#include "ops/embedding.h"

#include "ops/backend.h"
#include "ops/check.h"

namespace safelight {

Tensor Embedding::operator()(std::span<const std::int32_t> ids) {
  for (const std::int32_t id : ids)
    if (id < 0 || id >= spec_.rows)
      fail(ErrorCategory::model, "[embedding] id {} is outside the table of {} rows", id, spec_.rows);
  Tensor y = backend_.empty({static_cast<std::int64_t>(ids.size()), spec_.width});
  backend_.perform(WorkKind::passing, static_cast<double>(y.elements()), [&] { run(ids, y); });
  return y;
}

void check_embedding_weights(const EmbeddingSpec& spec, const Tensor& table) {
  expect_some_channels("embedding", spec.rows, spec.width);
  expect_shape("embedding", "table", table, {spec.rows, spec.width});
}

}  // namespace safelight
