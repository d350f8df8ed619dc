// What an import or a call of a pickle is, in words, and what is to be thought of it.
#pragma once

#include <string>

#include "format/foreign/pickle_machine.h"
#include "safelight/scan.h"

namespace safelight::foreign {

struct ActionSummary {
  ScanVerdict verdict = ScanVerdict::clean;
  std::string name;       // "os.system", "what functools.partial returns", "(unresolvable)"
  std::string why;        // empty if clean
  std::string arguments;  // of a call: "('rm -rf /', 3, ...)"; printable
};

ActionSummary summarise(const PickleRun& run, const PickleAction& action);

// Of an import by its dotted name, empty if that cannot be told.
ActionSummary summarise_import(const std::string& name);

// Whether the name could be a program's: what random bytes import has none such.
bool is_identifier_path(std::string_view name);

// Whether the run got as far as an import of such a name.
bool imports_something_real(const PickleRun& run);

}  // namespace safelight::foreign
