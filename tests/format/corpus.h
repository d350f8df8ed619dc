// The conformance corpus: what can be wrong, or merely odd, in a SafeTensors file, with the verdict on each.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace safelight::test {

struct CorpusCase {
  std::string name;
  std::function<std::string()> bytes;  // a function, because some files are 100 MB
  std::string strict, compat;          // the rule that `check` names, or "ok"
};

// The compat verdicts are those of the public reference implementation (tests/format/cross_check.py asks it).
std::vector<CorpusCase> corpus();

}  // namespace safelight::test
