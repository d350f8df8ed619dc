// Verdicts from broken rules.
#pragma once

#include "format/rules.h"
#include "safelight/safetensors.h"

namespace safelight {

inline Verdict accepted() { return {.valid = true, .rule = "ok", .detail = {}}; }

inline Verdict refused(const BrokenRule& broken) {
  return {.valid = false, .rule = std::string(name(broken.rule())), .detail = broken.what()};
}

}  // namespace safelight
