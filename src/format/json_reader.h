// A JSON text, read from front to back and checked as it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace safelight {

// Takes values off the front of a text. Nothing is copied but strings with escapes, so that a header costs no memory
// beyond what is kept of it. Every function skips white space before what it takes, and throws BrokenRule(json_syntax)
// for what JSON does not allow there.
class JsonReader {
 public:
  // REQUIRES: `text` is UTF-8 and outlives the reader. `origin`: the file's offset of its first byte, for messages.
  JsonReader(std::string_view text, std::size_t origin) noexcept
      : begin_(text.data()), next_(begin_), end_(begin_ + text.size()), origin_(origin) {}

  // The first character of what comes next; NUL at the end.
  char peek() noexcept {
    while (next_ != end_ && (*next_ == ' ' || *next_ == '\n' || *next_ == '\t' || *next_ == '\r')) ++next_;
    return next_ != end_ ? *next_ : '\0';
  }

  // The same where a value must follow: throws at the end.
  char peek_value() {
    const char first = peek();
    if (next_ == end_) fail_ended();
    return first;
  }

  // Where that is in the file.
  std::size_t offset() noexcept { return peek(), origin_ + static_cast<std::size_t>(next_ - begin_); }

  // Calls member(key) for every member of the object that comes next, or item() for every item of the array; they take
  // the value. The key is valid until the next string is taken.
  template <class Member>
  void object(Member&& member) {
    expect('{');
    if (!take('}')) {
      do {
        const std::string_view key = string();
        expect(':');
        member(key);
      } while (take(','));
      expect('}');
    }
  }
  template <class Item>
  void array(Item&& item) {
    expect('[');
    if (!take(']')) {
      do item();
      while (take(','));
      expect(']');
    }
  }

  // Decoded; valid until the next string is taken.
  std::string_view string();

  // A number, true, false, null, or what stands in their place, up to the next character that cannot belong to one: not
  // checked, and empty if something else comes next.
  std::string_view word() noexcept;

  // The integer that comes next if it is written as nearly all are, and followed by what ends it in an array: 1 to 19
  // digits, no zero before others. Otherwise nothing, and nothing is taken: word() is for the rest.
  std::optional<std::uint64_t> plain_integer() noexcept {
    peek();
    const char* p = next_;
    std::uint64_t value = 0;
    for (; p != end_; ++p) {
      const auto digit = static_cast<unsigned char>(*p - '0');
      if (digit > 9) break;
      value = value * 10 + digit;
    }
    const bool plain = p - next_ == 1 || (p - next_ > 1 && p - next_ < 20 && *next_ != '0');
    if (!plain || p == end_ || (*p != ',' && *p != ']')) return std::nullopt;
    next_ = p;
    return value;
  }

  // The text that `word` took or, if it is empty, the character that comes next, for messages.
  std::string found(std::string_view word);

  // REQUIRES of the text: nothing but white space is left.
  void expect_end();

 private:
  bool take(char c) noexcept {
    if (peek() != c || next_ == end_) return false;
    ++next_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail_expecting(c);
  }
  [[noreturn]] void fail_expecting(char c);
  [[noreturn]] void fail_ended();
  std::string_view escaped_string(const char* start, const char* stop);
  char32_t escaped_code_point();
  char32_t hex_digits();

  const char* begin_;
  const char* next_;
  const char* end_;
  std::size_t origin_;
  std::string decoded_;
};

}  // namespace safelight
