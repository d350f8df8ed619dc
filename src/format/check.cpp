#include "format/contents.h"
#include "format/limits.h"
#include "format/rules.h"
#include "format/verdict.h"
#include "safelight/safetensors.h"

namespace safelight {

namespace {

template <class Read>
Verdict verdict_of(Read read) {
  try {
    read();
    return accepted();
  } catch (const BrokenRule& e) {
    return refused(e);
  } catch (const OverLimit& e) {
    return {.valid = false, .rule = "limit", .detail = e.what()};
  } catch (const Error& e) {
    return refused(BrokenRule(Rule::io, e.what()));
  }
}

}  // namespace

Verdict check(std::span<const std::byte> file, const OpenOptions& options) {
  return verdict_of([&] { read_contents(file, options); });
}

Verdict check(const std::filesystem::path& path, Mode mode) { return check(path, OpenOptions{.mode = mode}); }

Verdict check(const std::filesystem::path& path, const OpenOptions& options) {
  return verdict_of([&] { read_contents(open_with_header(path, options.limits).header, options); });
}

}  // namespace safelight
