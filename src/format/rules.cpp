#include "format/rules.h"

#include "core/printable.h"

namespace safelight {

std::string shown(std::string_view name) { return printable(name, 120); }

std::string_view name(Rule rule) noexcept {
  switch (rule) {
    case Rule::io:
      return "io";
    case Rule::header_too_small:
      return "header-too-small";
    case Rule::header_too_large:
      return "header-too-large";
    case Rule::header_length:
      return "header-length";
    case Rule::header_utf8:
      return "header-utf8";
    case Rule::header_start:
      return "header-start";
    case Rule::json_syntax:
      return "json-syntax";
    case Rule::json_depth:
      return "json-depth";
    case Rule::duplicate_key:
      return "duplicate-key";
    case Rule::metadata_type:
      return "metadata-type";
    case Rule::entry_type:
      return "entry-type";
    case Rule::entry_fields:
      return "entry-fields";
    case Rule::dtype:
      return "dtype";
    case Rule::shape:
      return "shape";
    case Rule::data_offsets:
      return "data-offsets";
    case Rule::layout:
      return "layout";
    case Rule::size_overflow:
      return "size-overflow";
    case Rule::packing:
      return "packing";
    case Rule::size_mismatch:
      return "size-mismatch";
    case Rule::file_coverage:
      return "file-coverage";
  }
  return "unknown";
}

}  // namespace safelight
