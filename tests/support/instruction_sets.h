// Runs a test on every instruction set that this build has kernels for and this processor runs.
#pragma once

// clang-format off
#include "core/simd_targets.h"  // before Highway's own headers
#include <hwy/targets.h>
// clang-format on

#include <functional>
#include <string>

namespace safelight::test {

// Calls body(name of the set) once for each, with the kernels outside the backends dispatched to that set; then
// restores the usual choice. Not for use while other threads run kernels.
inline void for_each_instruction_set(const std::function<void(const std::string&)>& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace safelight::test
