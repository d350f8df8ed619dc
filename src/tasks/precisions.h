// The precisions by name.
#pragma once

#include <span>
#include <string_view>

#include "core/name_table.h"
#include "ops/precision.h"

namespace safelight {

struct PrecisionInfo {
  Precision precision;
  Names names;
};
std::span<const PrecisionInfo> precisions() noexcept;
const PrecisionInfo& info(Precision precision) noexcept;

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
Precision parse_precision(std::string_view name);

}  // namespace safelight
