#include "format/foreign/gguf_value.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "core/fail.h"
#include "format/foreign/gguf.h"

namespace safelight::foreign {
namespace {

// The number of a type in the file is its place here. One byte of a bool is 0 or 1.
constexpr std::array<std::string_view, 13> kTypes{"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                  "bool", "string", "array", "u64", "i64", "f64"};
constexpr std::array<std::uint8_t, 13> kBytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr std::uint32_t kString = 8, kArray = 9;
constexpr int kDeepestArray = 4;

// Calls f with a value of the number type that `type` names, and returns what it returns; nothing for the others.
template <class F>
auto with_number_type(std::string_view type, F f) -> std::optional<decltype(f(std::uint8_t{}))> {
  if (type == "u8") return f(std::uint8_t{});
  if (type == "i8") return f(std::int8_t{});
  if (type == "u16") return f(std::uint16_t{});
  if (type == "i16") return f(std::int16_t{});
  if (type == "u32") return f(std::uint32_t{});
  if (type == "i32") return f(std::int32_t{});
  if (type == "u64") return f(std::uint64_t{});
  if (type == "i64") return f(std::int64_t{});
  if (type == "f32") return f(float{});
  if (type == "f64") return f(double{});
  return std::nullopt;
}

std::string_view type_name(std::uint32_t type, std::size_t position) {
  if (type >= kTypes.size())
    fail(ErrorCategory::format, "[gguf] metadata of the unknown type {} at byte {}", type, position);
  return kTypes[type];
}

void skip_array(ByteCursor& cursor, int depth) {
  if (depth > kDeepestArray)
    fail(ErrorCategory::format, "[gguf] lists inside lists, more than {} deep, at byte {}", kDeepestArray,
         cursor.position());
  const auto type = cursor.read<std::uint32_t>();
  type_name(type, cursor.position());
  const auto count = cursor.read<std::uint64_t>();
  if (type != kString && type != kArray) {
    if (count > cursor.remaining() / kBytes[type])
      fail(ErrorCategory::format, "[gguf] a list of {} numbers at byte {} reaches past the end of the file", count,
           cursor.position());
    cursor.take(count * kBytes[type]);
    return;
  }
  for (std::uint64_t i = 0; i < count; ++i) {  // each takes 8 bytes or more: a lie ends with the file
    if (type == kArray)
      skip_array(cursor, depth + 1);
    else
      cursor.take(cursor.read<std::uint64_t>());
  }
}

}  // namespace

GgufValue take_gguf_value(ByteCursor& cursor, std::uint32_t type) {
  GgufValue value{type_name(type, cursor.position()), {}};
  if (type == kArray) {
    skip_array(cursor, 1);
  } else if (type == kString) {
    value.text = std::string(cursor.take_text(cursor.read<std::uint64_t>()));
  } else if (value.type == "bool") {
    value.text = cursor.read<std::uint8_t>() ? "true" : "false";
  } else {
    value.text =
        with_number_type(value.type, [&](auto number) { return fmt::format("{}", cursor.read<decltype(number)>()); });
  }
  return value;
}

bool append_gguf_value(std::string& out, std::string_view type, std::string_view text) {
  std::uint32_t number = 0;
  while (number < kTypes.size() && kTypes[number] != type) ++number;
  if (number == kTypes.size() || number == kArray) return false;
  append_number(out, number);
  if (number == kString) {
    append_text(out, text);
    return true;
  }
  if (type == "bool") {
    out += text == "true" ? '\x01' : '\0';
    return text == "true" || text == "false";
  }
  return *with_number_type(type, [&](auto value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    append_number(out, value);
    return error == std::errc() && end == text.data() + text.size();
  });
}

}  // namespace safelight::foreign
