#include "apps/cli/selected_tensor.h"

#include "core/fail.h"
#include "core/printable.h"

namespace safelight::cli {

SelectedTensor select_tensor(const ShardedTensors& set, const std::string& text) {
  if (const auto entry = set.find(text); entry.info) return {text, {}, entry};
  const std::size_t bracket = text.rfind('[');
  const bool has_index = bracket != std::string::npos && text.back() == ']';
  const std::string name = text.substr(0, has_index ? bracket : text.size());
  const auto entry = set.find(name);
  if (!entry.info)
    fail(ErrorCategory::model, "[select] {} has no tensor \"{}\"{}", printable(set.path().native()),
         printable(name, 120), bracket != std::string::npos && !has_index ? "; an index ends with ]" : "");
  return {name, parse_slices(std::string_view(text).substr(bracket)), entry};
}

}  // namespace safelight::cli
