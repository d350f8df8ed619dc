// EXIF data by hand: both orders of bytes, every encoding of the comment, and data that is made to harm.
#include "image/exif.h"

#include <gmock/gmock.h>

#include "image/pictures.h"

namespace safelight::test {
namespace {

using namespace std::string_view_literals;

// TIFF data that is put together from numbers.
class Builder {
 public:
  explicit Builder(bool big) : big_(big), data_(big ? "MM\0*"sv : "II*\0"sv) {}

  Builder& u16(std::uint32_t number) { return put(number, 2); }
  Builder& u32(std::uint32_t number) { return put(number, 4); }
  Builder& text(std::string_view text) {
    data_ += text;
    return *this;
  }
  // A value of two bytes stands in the first half of its four.
  Builder& short_entry(std::uint32_t tag, std::uint32_t value) { return u16(tag).u16(3).u32(1).u16(value).u16(0); }
  Builder& entry(std::uint32_t tag, std::uint32_t type, std::uint32_t count, std::uint32_t value) {
    return u16(tag).u16(type).u32(count).u32(value);
  }
  std::vector<std::byte> bytes() const { return test::bytes(data_); }

 private:
  Builder& put(std::uint32_t number, int size) {
    for (int i = 0; i < size; ++i) data_ += static_cast<char>(number >> 8 * (big_ ? size - 1 - i : i));
    return *this;
  }

  bool big_;
  std::string data_;
};

// EXIF data with this comment as it is.
std::vector<std::byte> with_comment(std::string_view comment, bool big) {
  Builder b(big);
  b.u32(8).u16(1).entry(0x8769, 4, 1, 26).u32(0);
  b.u16(1).entry(0x9286, 7, static_cast<std::uint32_t>(comment.size()), 44).u32(0).text(comment);
  return b.bytes();
}

std::string comment_of(std::string_view comment, bool big = true) {
  const Exif exif = read_exif(with_comment(comment, big));
  const auto found = exif.text.find("parameters");
  return found == exif.text.end() ? "nothing" : found->second;
}

TEST(Exif, Orientation) {
  for (const bool big : {false, true})
    for (std::uint32_t value = 0; value <= 9; ++value) {
      const Exif exif = read_exif(Builder(big).u32(8).u16(1).short_entry(0x0112, value).u32(0).bytes());
      EXPECT_EQ(exif.orientation, value >= 1 && value <= 8 ? static_cast<int>(value) : 1) << big;
    }
}

TEST(Exif, EveryEncodingOfTheComment) {
  EXPECT_EQ(comment_of("UNICODE\0\0a\0b"sv), "ab");
  EXPECT_EQ(comment_of("UNICODE\0a\0b\0"sv), "ab");         // little-endian in big-endian data
  EXPECT_EQ(comment_of("UNICODE\0\0a\0b"sv, false), "ab");  // the other way round
  EXPECT_EQ(comment_of("UNICODE\0\xFE\xFF\x6C\x34"sv, false), "\u6c34");
  EXPECT_EQ(comment_of("UNICODE\0\xFF\xFE\x34\x6C"sv, true), "\u6c34");
  EXPECT_EQ(comment_of("UNICODE\0\x6C\x34"sv, true), "\u6c34");  // nothing tells: the order of the data
  EXPECT_EQ(comment_of("UNICODE\0\x34\x6C"sv, false), "\u6c34");
  EXPECT_EQ(comment_of("UNICODE\0\xD8\x3C\xDF\xE0\0a"sv),
            "\U0001f3e0"
            "a");
  EXPECT_EQ(comment_of("UNICODE\0\xD8\x3C\0a\0b"sv),
            "\uFFFD"
            "ab");  // half a pair
  EXPECT_EQ(comment_of("UNICODE\0\0a\0\0"sv), "a");
  EXPECT_EQ(comment_of("ASCII\0\0\0text\0\0"sv), "text");
  EXPECT_EQ(comment_of("ASCII\0\0\0caf\xC3\xA9"sv), "caf\u00e9");
  EXPECT_EQ(comment_of("ASCII\0\0\0caf\xE9"sv), "caf\u00e9");
  EXPECT_EQ(comment_of("\0\0\0\0\0\0\0\0undefined"sv), "undefined");
  EXPECT_EQ(comment_of("no encoding at all"sv), "no encoding at all");
  EXPECT_EQ(comment_of("JIS\0\0\0\0\0\x24\x22"sv), "nothing");
  EXPECT_EQ(comment_of("UNICODE\0"sv), "nothing");
  EXPECT_EQ(comment_of(""sv), "nothing");
}

TEST(Exif, WritesWhatItReads) {
  for (const std::string text : {"plain", "caf\u00e9 \u6c34 \U0001f3e0\n\"x\"", "\u6c34\u6c34"}) {
    EXPECT_EQ(read_exif(write_exif(text)).text, (PictureText{{"parameters", text}}));
    std::vector<std::byte> headed = bytes("Exif\0\0"sv);
    for (const std::byte b : write_exif(text)) headed.push_back(b);
    EXPECT_EQ(read_exif(headed).text.at("parameters"), text);
  }
  EXPECT_EQ(read_exif(write_exif("a\xFFz")).text.at("parameters"), "a\uFFFDz");
}

TEST(Exif, GraphsOfComfy) {
  const std::string model = "prompt:{\"1\": {}}", make = "workflow:{}";
  Builder b(false);
  b.u32(8).u16(2);
  b.entry(0x010F, 2, static_cast<std::uint32_t>(make.size() + 1), 38);
  b.entry(0x0110, 2, static_cast<std::uint32_t>(model.size() + 1), static_cast<std::uint32_t>(39 + make.size()));
  b.u32(0).text(make).text("\0"sv).text(model).text("\0"sv);
  EXPECT_EQ(read_exif(b.bytes()).text, (PictureText{{"prompt", "{\"1\": {}}"}, {"workflow", "{}"}}));
}

TEST(Exif, WhatMakesNoSenseIsLeftOut) {
  EXPECT_TRUE(read_exif({}).text.empty());
  EXPECT_TRUE(read_exif(bytes("Exif\0\0"sv)).text.empty());
  EXPECT_TRUE(read_exif(bytes("nothing of the kind")).text.empty());
  const auto is_empty = [](const Builder& b) {
    const Exif exif = read_exif(b.bytes());
    return exif.orientation == 1 && exif.text.empty();
  };
  for (const bool big : {false, true}) {
    EXPECT_TRUE(is_empty(Builder(big).u32(0xFFFFFFFF)));                              // a directory outside
    EXPECT_TRUE(is_empty(Builder(big).u32(8).u16(0xFFFF)));                           // more entries than there are
    EXPECT_TRUE(is_empty(Builder(big).u32(0).u16(1).short_entry(0x0112, 3)));         // the head as a directory
    EXPECT_TRUE(is_empty(Builder(big).u32(8).u16(1).entry(0x8769, 4, 1, 8).u32(8)));  // a directory within itself
    EXPECT_TRUE(is_empty(Builder(big).u32(8).u16(1).entry(0x8769, 4, 1, 0xFFFFFFF0).u32(0)));
    const auto comment = [&](std::uint32_t count, std::uint32_t offset) {
      Builder b(big);
      b.u32(8).u16(1).entry(0x8769, 4, 1, 26).u32(0);
      return is_empty(b.u16(1).entry(0x9286, 7, count, offset).u32(0).text("ASCII\0\0\0text"sv));
    };
    EXPECT_TRUE(comment(0xFFFFFFFF, 44));  // longer than the file
    EXPECT_TRUE(comment(13, 44));
    EXPECT_TRUE(comment(12, 0xFFFFFFFF));
    EXPECT_TRUE(comment(12, 45));
    EXPECT_FALSE(comment(12, 44));
  }
}

// Thousands of entries that all refer to one long text must not cost its length each.
TEST(Exif, ManyEntriesShareOneText) {
  Builder b(true);
  constexpr std::uint32_t kEntries = 40'000, kText = 8 + 2 + 12 * kEntries;
  const std::string text = "prompt:" + std::string(1'000'000, 'x');
  b.u32(8).u16(kEntries);
  for (std::uint32_t i = 0; i < kEntries; ++i) b.entry(0x010F, 2, static_cast<std::uint32_t>(text.size()), kText);
  b.text(text);
  EXPECT_EQ(read_exif(b.bytes()).text.at("prompt").size(), text.size() - 7);
}

TEST(Exif, ChangedBytesNeverHarm) {
  const std::vector<std::byte> whole = write_exif("a house, \u6c34");
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const unsigned change : {0x01u, 0x80u, 0xFFu}) {
      std::vector<std::byte> damaged = whole;
      damaged[i] ^= static_cast<std::byte>(change);
      EXPECT_LE(read_exif(damaged).text.size(), 1u);
      damaged.resize(i);
      EXPECT_EQ(read_exif(damaged).orientation, 1);
    }
}

}  // namespace
}  // namespace safelight::test
