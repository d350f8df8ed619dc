// What a pickle may import, judged by its name. docs/convert.md explains the table.
#pragma once

#include <string_view>

#include "safelight/scan.h"

namespace safelight::foreign {

struct NameVerdict {
  ScanVerdict verdict = ScanVerdict::suspicious;
  std::string_view why;  // empty if clean
};

// `name`: module and qualified name with a dot between, "os.path.join".
NameVerdict judge_name(std::string_view name);

}  // namespace safelight::foreign
