#include "tasks/precisions.h"

#include <array>

namespace safelight {
namespace {

constexpr std::array<PrecisionInfo, 3> kPrecisions{{
    {Precision::full, {"full", "full"}},
    {Precision::bf16, {"bf16", "bf16"}},
    {Precision::int8, {"int8", "int8"}},
}};

}  // namespace

std::span<const PrecisionInfo> precisions() noexcept { return kPrecisions; }

const PrecisionInfo& info(Precision precision) noexcept { return kPrecisions[static_cast<std::size_t>(precision)]; }

Precision parse_precision(std::string_view name) {
  const PrecisionInfo* row = find_by_name(precisions(), name);
  if (!row) fail_unknown_name("precision", precisions(), name);
  return row->precision;
}

}  // namespace safelight
