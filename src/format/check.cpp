#include "core/mapped_file.h"
#include "format/contents.h"
#include "format/limits.h"
#include "format/rules.h"
#include "safelight/safetensors.h"

namespace safelight {

Verdict check(const std::filesystem::path& path, Mode mode) { return check(path, OpenOptions{.mode = mode}); }

Verdict check(const std::filesystem::path& path, const OpenOptions& options) {
  try {
    const auto mapping = MappedFile::open(path);
    read_contents(mapping->bytes(), options);
    return {.valid = true, .rule = "ok", .detail = {}};
  } catch (const BrokenRule& e) {
    return {.valid = false, .rule = std::string(name(e.rule())), .detail = e.what()};
  } catch (const OverLimit& e) {
    return {.valid = false, .rule = "limit", .detail = e.what()};
  } catch (const Error& e) {
    return {.valid = false, .rule = std::string(name(Rule::io)), .detail = e.what()};
  }
}

}  // namespace safelight
