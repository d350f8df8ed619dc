// Names that users type and other programs write, and how they are looked up.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/fail.h"

namespace safelight {

// What one row of a table is called.
struct Names {
  std::string_view name;                           // ours, for the command line and JSON: "dpmpp_2m"
  std::string_view label;                          // as A1111 writes it into pictures: "DPM++ 2M"
  std::span<const std::string_view> aliases = {};  // other programs' names
};

// Lower-case ASCII without spaces, '-' and '_'.
std::string folded(std::string_view name);

bool matches(const Names& names, std::string_view name);

// The row of `table` (each with a member `names`) that is called `name`, or nullptr.
template <class Row>
const Row* find_by_name(std::span<const Row> table, std::string_view name) {
  for (const Row& row : table)
    if (matches(row.names, name)) return &row;
  return nullptr;
}

// Throws Error(usage): "[what] expected one of A, B, found 'name'".
template <class Row>
[[noreturn]] void fail_unknown_name(std::string_view what, std::span<const Row> table, std::string_view name) {
  std::string known;
  for (const Row& row : table) known += (known.empty() ? "" : ", ") + std::string(row.names.label);
  fail(ErrorCategory::usage, "[{}] expected one of {}, found '{}'", what, known, name);
}

}  // namespace safelight
