// throw Error, with a formatted message. Internal: public headers do not show fmt.
#pragma once

#include <fmt/core.h>

#include "safelight/error.h"

namespace safelight {

// fail(ErrorCategory::model, "[clip] {} has shape {}, expected {}", ...)
template <class... Args>
[[noreturn]] void fail(ErrorCategory category, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(category, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace safelight
