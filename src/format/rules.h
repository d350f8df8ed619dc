// The rules of the format, and the error that names the one a file breaks. docs/format.md explains each.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

#include "safelight/error.h"

namespace safelight {

// In the order in which they are checked.
enum class Rule {
  io,                // the file can be read
  header_too_small,  // there are 8 bytes that hold the header's length N
  header_too_large,  // N <= 100,000,000
  header_length,     // the header lies inside the file
  header_utf8,       // it is UTF-8
  header_start,      // it begins with '{' (strict)
  json_syntax,       // it is JSON
  json_depth,        // nested at most 127 deep
  duplicate_key,     // no object repeats a key (compat: only where the reference minds)
  metadata_type,     // __metadata__ is an object of strings
  entry_type,        // a tensor's entry is an object
  entry_fields,      // with dtype, shape and data_offsets
  dtype,             // dtype is one of the 22 names
  shape,             // shape is an array of integers that fit 64 bits
  data_offsets,      // data_offsets is a pair of such integers
  layout,            // the tensors' ranges follow each other without hole or overlap
  size_overflow,     // the number of elements and of bits fits 64 bits
  packing,           // packed elements fill whole bytes
  size_mismatch,     // shape x dtype is as long as the range
  file_coverage,     // the last range ends where the file ends
};

// A tensor's name or a key in a message: escaped, and not too long.
std::string shown(std::string_view name);

// Kebab-case, as `safelight check` reports it.
std::string_view name(Rule rule) noexcept;

// what() is the detail: expected, found, where. Readers that know the file's path add it.
class BrokenRule : public Error {
 public:
  BrokenRule(Rule rule, const std::string& detail)
      : Error(rule == Rule::io ? ErrorCategory::io : ErrorCategory::format, detail), rule_(rule) {}
  Rule rule() const noexcept { return rule_; }

 private:
  Rule rule_;
};

template <class... Args>
[[noreturn]] void broken(Rule rule, fmt::format_string<Args...> format, Args&&... args) {
  throw BrokenRule(rule, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace safelight
