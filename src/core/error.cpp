#include "safelight/error.h"

#include "core/fail.h"
#include "safelight/context.h"

namespace safelight {
namespace {

struct CategoryInfo {
  std::string_view name;
  int exit_code;
};

CategoryInfo category_info(ErrorCategory category) noexcept {
  switch (category) {
    case ErrorCategory::usage:
      return {"usage", 2};
    case ErrorCategory::io:
      return {"io", 3};
    case ErrorCategory::format:
      return {"format", 4};
    case ErrorCategory::model:
      return {"model", 5};
    case ErrorCategory::limit:
      return {"limit", 6};
    case ErrorCategory::cancelled:
      return {"cancelled", 130};
  }
  return {"unknown", 70};
}

}  // namespace

std::string_view name(ErrorCategory category) noexcept { return category_info(category).name; }
int exit_code(ErrorCategory category) noexcept { return category_info(category).exit_code; }

void Context::check_cancelled() const {
  if (cancel && cancel->cancelled()) fail(ErrorCategory::cancelled, "cancelled");
}

}  // namespace safelight
