#include "core/mapped_file.h"
#include "format/contents.h"
#include "format/limits.h"
#include "format/rules.h"
#include "format/verdict.h"
#include "safelight/safetensors.h"

namespace safelight {

Verdict check(std::span<const std::byte> file, const OpenOptions& options) {
  try {
    read_contents(file, options);
    return accepted();
  } catch (const BrokenRule& e) {
    return refused(e);
  } catch (const OverLimit& e) {
    return {.valid = false, .rule = "limit", .detail = e.what()};
  }
}

Verdict check(const std::filesystem::path& path, Mode mode) { return check(path, OpenOptions{.mode = mode}); }

Verdict check(const std::filesystem::path& path, const OpenOptions& options) {
  try {
    return check(MappedFile::open(path)->bytes(), options);
  } catch (const Error& e) {
    return refused(BrokenRule(Rule::io, e.what()));
  }
}

}  // namespace safelight
