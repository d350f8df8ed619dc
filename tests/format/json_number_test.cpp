#include "format/json_number.h"

#include <gtest/gtest.h>

namespace safelight {
namespace {

TEST(JsonNumber, UnsignedIntegers) {
  const auto value_of = [](std::string_view token) {
    const Number number = parse_number(token);
    EXPECT_EQ(number.kind, NumberKind::unsigned_integer) << token;
    return number.value;
  };
  EXPECT_EQ(value_of("0"), 0u);
  EXPECT_EQ(value_of("7"), 7u);
  EXPECT_EQ(value_of("1234567890123456789"), 1234567890123456789u);
  EXPECT_EQ(value_of("18446744073709551615"), ~std::uint64_t{0});
}

TEST(JsonNumber, OtherNumbers) {
  for (const std::string_view token : {"-0", "-1", "1.0", "1e0", "1E+2", "18446744073709551616", "0e99999999999"})
    EXPECT_EQ(parse_number(token).kind, NumberKind::other) << token;
}

TEST(JsonNumber, OutOfRange) {
  for (const std::string_view token : {"1e309", "-1e309", "17976931348623158e292", "1e99999999999"})
    EXPECT_EQ(parse_number(token).kind, NumberKind::out_of_range) << token;
}

TEST(JsonNumber, Malformed) {
  for (const std::string_view token : {"", "-", "+1", "01", "-01", ".5", "1.", "1e", "1e+", "1x", "0x1", "1 2", "NaN"})
    EXPECT_EQ(parse_number(token).kind, NumberKind::malformed) << token;
}

}  // namespace
}  // namespace safelight
