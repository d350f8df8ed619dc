// The conformance corpus: what can be wrong, or merely odd, in a SafeTensors file, with the verdicts on each.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace safelight::test {

// Each is "ok" or the name of the first rule that is broken, as docs/format.md lists them.
struct Verdicts {
  std::string strict;  // what the written specification says
  std::string compat;  // what the public reference implementation says (tests/conformance/cross_check.py asks it)
  std::string repair;  // "ok": everything that was meant is there, and a strict file can be made of it
};

struct CorpusCase {
  std::string name;
  std::function<std::string()> bytes;  // a function, because some files are 100 MB
  Verdicts verdicts;
  std::string why;
};

std::vector<CorpusCase> corpus();

}  // namespace safelight::test
