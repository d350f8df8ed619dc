// What the reference implementation accepts in a header although the specification does not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace safelight {

// What is lost or changes its form when this header is written anew, one line for each kind: entries as arrays, dtypes
// as objects, fields that the format does not know, metadata that is null or repeats a key. Repeated names of tensors
// are not among them. REQUIRES: parse_header accepts `json` in compat mode.
std::vector<std::string> list_accidents(std::string_view json);

}  // namespace safelight
