#include "core/mapped_file.h"
#include "format/contents.h"
#include "format/rules.h"
#include "format/verdict.h"
#include "safelight/safetensors.h"

namespace safelight {

Verdict check(std::span<const std::byte> file, Mode mode) {
  try {
    read_contents(file, mode);
    return accepted();
  } catch (const BrokenRule& e) {
    return refused(e);
  }
}

Verdict check(const std::filesystem::path& path, Mode mode) {
  try {
    return check(MappedFile::open(path)->bytes(), mode);
  } catch (const Error& e) {
    return refused(BrokenRule(Rule::io, e.what()));
  }
}

}  // namespace safelight
