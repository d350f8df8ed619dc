#include <gtest/gtest.h>

#include "core/human.h"
#include "core/json_text.h"
#include "core/printable.h"
#include "core/utf8.h"

namespace safelight {
namespace {

TEST(Utf8, EveryCodePointRoundTrips) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
    if (c < 0x80) {
      add(c);
    } else if (c < 0x800) {
      add(0xC0 | c >> 6), add(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      add(0xE0 | c >> 12), add(0x80 | (c >> 6 & 0x3F)), add(0x80 | (c & 0x3F));
    } else {
      add(0xF0 | c >> 18), add(0x80 | (c >> 12 & 0x3F)), add(0x80 | (c >> 6 & 0x3F)), add(0x80 | (c & 0x3F));
    }
    text += 'x';
    std::string_view rest = text;
    ASSERT_EQ(take_code_point(rest), c);
    ASSERT_EQ(rest, "x");
  }
}

TEST(Utf8, RefusesWhatIsNot) {
  for (const std::string_view text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2x", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    std::string_view rest = text;
    EXPECT_EQ(take_code_point(rest), std::nullopt);
    EXPECT_EQ(rest, text.substr(1)) << "one byte is taken";
    EXPECT_FALSE(is_utf8(text));
  }
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("gr\xC3\xBC\xC3\x9F"));
}

TEST(Printable, EscapesWhatDeceives) {
  EXPECT_EQ(printable("plain gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80"), "plain gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable(std::string_view("\0\x1B[31m\x7F", 7)), "\\x00\\x1b[31m\\x7f");
  EXPECT_EQ(printable("weight\xE2\x80\xAEtxt"), "weight\\u{202e}txt");
  EXPECT_EQ(printable("\xC2\x85"), "\\u{85}");
  EXPECT_EQ(printable("\xFF\\"), "\\xff\\\\");
}

TEST(Printable, CutsLongText) {
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_EQ(printable("abcd", 3), "abc... (4 bytes)");
  EXPECT_EQ(printable("\xC3\xBC\xC3\xBC\xC3\xBC", 2), "\xC3\xBC\xC3\xBC... (6 bytes)");
}

TEST(JsonText, EscapesAsTheReference) {
  EXPECT_EQ(json_string(std::string_view("\"\\\b\f\n\r\t\0\x1F\x7F/\xC3\xBC", 13)),
            "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\x7F/\xC3\xBC\"");
  EXPECT_EQ(json_string("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
}

TEST(Human, ExactBytes) {
  EXPECT_EQ(exact_bytes(0), "0 bytes");
  EXPECT_EQ(exact_bytes(1), "1 byte");
  EXPECT_EQ(exact_bytes(999), "999 bytes");
  EXPECT_EQ(exact_bytes(1'234'567), "1,234,567 bytes (1.23 MB)");
}

TEST(Human, ParsesBytes) {
  const auto expect = [](std::string_view text, std::optional<std::uint64_t> bytes) {
    EXPECT_EQ(parse_bytes(text), bytes) << text;
  };
  expect("0", 0);
  expect("500", 500);
  expect("500MB", 500'000'000);
  expect("2.5 GB", 2'500'000'000);
  expect("3g", 3'000'000'000);
  expect("5GiB", 5ull << 30);
  expect("0.5kib", 512);
  expect("18446744073709551615", ~0ull);
  for (const char* text : {"", "x", "-1", "1.", ".5", "1.5", "1.5 B", "0.0001KB", "0.3kib", "2 GB ", "2Gi", "2 GBB",
                           "1e9", "18446744073709551616", "18447EB",
                           "99999999999999999999999999999999999999999999999999EB", "1.0000000000000000000000EB"})
    expect(text, std::nullopt);
}

TEST(Human, Bytes) {
  EXPECT_EQ(human_bytes_needed(999), "999 B");
  EXPECT_EQ(human_bytes_needed(1'901'000'000), "1.91 GB");
  EXPECT_EQ(human_bytes_needed(1'900'000'000), "1.90 GB");
  EXPECT_EQ(human_bytes_needed(47'010'000), "47.1 MB");
  EXPECT_EQ(human_bytes_needed(812'000'001), "813 MB");
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.00 KB");
  EXPECT_EQ(human_bytes(12'345), "12.3 KB");
  EXPECT_EQ(human_bytes(999'499), "999 KB");
  EXPECT_EQ(human_bytes(999'500), "1.00 MB");
  EXPECT_EQ(human_bytes(4'265'146'304), "4.27 GB");
  EXPECT_EQ(human_bytes(~std::uint64_t{0}), "18.4 EB");
}

TEST(Human, Count) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(1234567), "1,234,567");
  EXPECT_EQ(counted(0, "tensor"), "0 tensors");
  EXPECT_EQ(counted(1, "tensor"), "1 tensor");
  EXPECT_EQ(counted(1234, "tensor"), "1,234 tensors");
}

}  // namespace
}  // namespace safelight
