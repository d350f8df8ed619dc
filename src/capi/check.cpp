#include "capi/file.h"
#include "capi/guard.h"

struct safelight_verdict {
  safelight::Verdict verdict;
};

using namespace safelight::capi;

safelight_status safelight_check(const char* path, const safelight_options* options, safelight_verdict** verdict,
                                 safelight_error* error) {
  return guarded(error, [&] {
    safelight_verdict*& result = required(verdict, "a place for the verdict");
    result = new safelight_verdict{safelight::check(required_text(path, "a path"), options_or_default(options))};
  });
}

void safelight_verdict_free(safelight_verdict* verdict) { delete verdict; }
int safelight_verdict_valid(const safelight_verdict* verdict) { return verdict && verdict->verdict.valid; }
const char* safelight_verdict_rule(const safelight_verdict* verdict) {
  return verdict ? verdict->verdict.rule.c_str() : nullptr;
}
const char* safelight_verdict_detail(const safelight_verdict* verdict) {
  return verdict ? verdict->verdict.detail.c_str() : nullptr;
}
