// Runs a test on every instruction set that this build has kernels for and this processor runs.
#pragma once

#include <hwy/targets.h>

#include <functional>
#include <string>

#include "core/simd_targets.h"

namespace safelight::test {

// Calls body(name of the set) once for each, with the kernels of src/tensor dispatched to that set; then restores the
// usual choice. Not for use while other threads run kernels.
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
