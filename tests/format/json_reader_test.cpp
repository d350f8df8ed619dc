#include "format/json_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/expect_error.h"

namespace safelight {
namespace {

// What a string of JSON stands for.
std::string decoded(const std::string& json) {
  JsonReader reader(json, 0);
  std::string text(reader.string());
  reader.expect_end();
  return text;
}

TEST(JsonReader, EveryEscape) {
  EXPECT_EQ(decoded(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(decoded(R"("\u0041\u00e9\u20AC\ud83d\ude00")"), "Aé€😀");
  EXPECT_EQ(decoded(R"("\u0000")"), std::string(1, '\0'));
}

// The reader looks at eight characters at a time: whatever ends a string or a run must be seen at each place of them.
TEST(JsonReader, WhatEndsARunIsSeenAtEveryPlace) {
  for (std::size_t before = 0; before < 20; ++before)
    for (std::size_t after = 0; after < 20; ++after) {
      const std::string a(before, 'a'), b(after, '\xC3');  // bytes above 7F are no control characters
      EXPECT_EQ(decoded('"' + a + b + '"'), a + b);
      EXPECT_EQ(decoded('"' + a + "\\n" + b + '"'), a + '\n' + b);
      EXPECT_ERROR(decoded('"' + a + '\x1F' + b + '"'), format, fmt::format("at byte {}", before + 1));
      EXPECT_ERROR(decoded('"' + a + b), format, "the string at byte 0 has no end");
      EXPECT_EQ(decoded('"' + a + "\x20\x7F" + b + '"'), a + "\x20\x7F" + b);
    }
}

TEST(JsonReader, BadStrings) {
  for (const std::string bad : {R"("\x")", R"("\)", R"("\")", R"("\u12")", R"("\u12g4")", R"("\ud800")", R"("\udc00")",
                                R"("\ud800\u0041")", R"("\ud800\n")", R"("\ud83d\ude0")", R"("a)", R"(")"})
    EXPECT_ERROR(decoded(bad), format, "byte");
}

TEST(JsonReader, ObjectsAndArrays) {
  JsonReader reader(" { \"a\" : [ 1 ,true,\n\"x\"] , \"b\":{} } \t", 8);
  std::string seen;
  reader.object([&](std::string_view key) {
    seen += key;
    EXPECT_EQ(reader.offset(), key == "a" ? 17u : 39u);
    if (key == "a")
      reader.array([&] { seen += reader.peek() == '"' ? reader.string() : reader.word(); });
    else
      reader.object([&](std::string_view) { seen += "never"; });
  });
  reader.expect_end();
  EXPECT_EQ(seen, "a1truexb");
}

TEST(JsonReader, BadStructureSaysWhereAndWhat) {
  const auto read = [](const std::string& json) {
    JsonReader reader(json, 100);
    reader.object([&](std::string_view) {
      reader.array([&] {
        reader.peek_value();
        reader.word();
      });
    });
    reader.expect_end();
  };
  read(R"({"a":[1,2],"b":[]})");
  EXPECT_ERROR(read(""), format, "expected '{' at byte 100, found the end of the header");
  EXPECT_ERROR(read(R"({"a" [1]})"), format, "expected ':' at byte 105, found [");
  EXPECT_ERROR(read(R"({"a":[1)"), format, "expected ']' at byte 107, found the end");
  EXPECT_ERROR(read(R"({"a":[)"), format, "ends at byte 106");
  EXPECT_ERROR(read(R"({"a":[1,)"), format, "ends at byte 108");
  EXPECT_ERROR(read(R"({"a":[1])"), format, "expected '}' at byte 108");
  EXPECT_ERROR(read(R"({"a":[1],})"), format, "expected '\"' at byte 109, found }");
  EXPECT_ERROR(read(std::string("{}\0", 3)), format, "expected the end of the header at byte 102, found \\x00");
}

TEST(JsonReader, WordsEndWhereOtherTokensBegin) {
  for (const std::string_view end : {",", "]", "}", ":", "\"", "[", "{", " ", "\n"}) {
    const std::string json = "\t-1.5e+3x" + std::string(end);
    EXPECT_EQ(JsonReader(json, 0).word(), "-1.5e+3x");
  }
  EXPECT_EQ(JsonReader("\"a\"", 0).word(), "");
}

}  // namespace
}  // namespace safelight
