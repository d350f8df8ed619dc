// EXPECT_ERROR(statement, category, part of the message): it throws a safelight::Error like that, of one line.
#pragma once

#include <gmock/gmock.h>

#include "safelight/error.h"

#define EXPECT_ERROR(statement, expected_category, part)                                                    \
  try {                                                                                                     \
    statement;                                                                                              \
    ADD_FAILURE() << "no error from " #statement;                                                           \
  } catch (const safelight::Error& e) {                                                                     \
    EXPECT_EQ(safelight::name(e.category()), safelight::name(safelight::ErrorCategory::expected_category)); \
    EXPECT_THAT(e.what(), testing::HasSubstr(part));                                                        \
    EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("\n")));                                          \
  }
