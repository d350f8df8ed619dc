#include "ops/weight.h"

#include "ops/check.h"

namespace safelight {

Tensor scaled_values(const Weight& weight) {
  Tensor result = to_f32(weight.values);
  if (!weight.scales) return result;
  const std::span<float> values = result.mutable_floats();
  const std::size_t each = values.size() / weight.scales.floats().size();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= weight.scales.floats()[i / each];
  return result;
}

void check_scales(std::string_view op, const Weight& weight, std::int64_t out) {
  if (weight.scales) expect_addend(op, "scales", weight.scales, {out});
}

}  // namespace safelight
