#include "arithmetic/name_selection.h"

#include <algorithm>

#include "core/fail.h"
#include "core/glob.h"
#include "core/printable.h"

namespace safelight {

bool NameSelection::contains(std::string_view name) const noexcept {
  const auto fits = [name](const std::string& pattern) { return glob_match(pattern, name); };
  return (only_.empty() || std::ranges::any_of(only_, fits)) && std::ranges::none_of(except_, fits);
}

void NameSelection::check(std::span<const ShardedTensors::Entry> tensors) const {
  for (const std::span<const std::string> patterns : {only_, except_})
    for (const std::string& pattern : patterns)
      if (std::ranges::none_of(tensors, [&](const auto& t) { return glob_match(pattern, t.info->name); }))
        fail(ErrorCategory::model, "[names] expected a pattern of tensors in the file, but \"{}\" fits none of its {}",
             printable(pattern), tensors.size());
}

}  // namespace safelight
