#include "safelight/dtype.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace safelight {
namespace {

TEST(DType, NamesAreTheFormats) {
  const std::map<std::string_view, int> expected = {
      {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},    {"I8", 8},
      {"F8_E5M2", 8},     {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F16", 16},    {"BF16", 16}, {"F8_E4M3FNUZ", 8},
      {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"I32", 32},    {"U32", 32},  {"F32", 32},
      {"C64", 64},        {"F64", 64},    {"I64", 64},    {"U64", 64},
  };
  std::map<std::string_view, int> found;
  for (const DTypeInfo& row : dtypes()) found.emplace(row.name, row.bits);
  EXPECT_EQ(found, expected);
}

TEST(DType, EveryNameParsesToItself) {
  for (const DTypeInfo& row : dtypes()) {
    EXPECT_EQ(parse_dtype(row.name), row.dtype);
    EXPECT_EQ(name(row.dtype), row.name);
    EXPECT_EQ(bits(row.dtype), row.bits);
  }
}

TEST(DType, OtherNamesDoNotParse) {
  for (const std::string_view text : {"", "f32", "F32 ", "F128", "I4", "C128", "F8", "BOOLEAN"})
    EXPECT_EQ(parse_dtype(text), std::nullopt) << text;
}

}  // namespace
}  // namespace safelight
