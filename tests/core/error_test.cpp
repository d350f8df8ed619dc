#include "safelight/error.h"

#include <gtest/gtest.h>

#include <set>

#include "core/fail.h"
#include "safelight/context.h"
#include "support/expect_error.h"

namespace safelight {
namespace {

TEST(Error, EveryCategoryHasItsOwnNameAndExitCode) {
  std::set<int> codes = {0, 1};  // success, and a command's "no"
  std::set<std::string_view> names;
  for (const ErrorCategory category : {ErrorCategory::usage, ErrorCategory::io, ErrorCategory::format,
                                       ErrorCategory::model, ErrorCategory::limit, ErrorCategory::cancelled}) {
    EXPECT_TRUE(codes.insert(exit_code(category)).second);
    EXPECT_TRUE(names.insert(name(category)).second);
  }
}

TEST(Error, FailFormats) { EXPECT_ERROR(fail(ErrorCategory::limit, "[x] {} of {}", 3, "y"), limit, "[x] 3 of y"); }

TEST(Context, CancelledTokenThrows) {
  CancelToken token;
  Context context;
  context.check_cancelled();
  context.cancel = &token;
  context.check_cancelled();
  token.cancel();
  EXPECT_ERROR(context.check_cancelled(), cancelled, "cancelled");
}

}  // namespace
}  // namespace safelight
