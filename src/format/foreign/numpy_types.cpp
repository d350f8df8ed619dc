#include "format/foreign/numpy_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "format/rules.h"

namespace safelight::foreign {
namespace {

struct Row {
  DType dtype;
  std::string_view text;
};

constexpr std::array kTypes{
    Row{DType::BOOL, "|b1"}, Row{DType::U8, "|u1"},  Row{DType::I8, "|i1"},  Row{DType::U16, "<u2"},
    Row{DType::I16, "<i2"},  Row{DType::F16, "<f2"}, Row{DType::U32, "<u4"}, Row{DType::I32, "<i4"},
    Row{DType::F32, "<f4"},  Row{DType::C64, "<c8"}, Row{DType::U64, "<u8"}, Row{DType::I64, "<i8"},
    Row{DType::F64, "<f8"},
};

constexpr bool is_order(char c) { return c == '<' || c == '>' || c == '|' || c == '='; }

std::string_view without_order(std::string_view text) noexcept {
  return !text.empty() && is_order(text[0]) ? text.substr(1) : text;
}

}  // namespace

std::optional<NumpyType> parse_numpy_type(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  const bool big_endian = text[0] == '>';
  const std::string_view code = without_order(text);
  for (const Row& row : kTypes)
    if (row.text.substr(1) == code) return NumpyType{row.dtype, big_endian && bits(row.dtype) > 8};
  return std::nullopt;
}

std::string_view numpy_type(DType dtype) noexcept {
  for (const Row& row : kTypes)
    if (row.dtype == dtype) return row.text;
  return {};
}

bool is_plain_numpy_type(std::string_view text) noexcept {
  if (parse_numpy_type(text)) return true;
  const std::string_view code = without_order(text);
  for (const std::string_view wide : {"c16", "c24", "c32", "f12", "f16"})
    if (code == wide) return true;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_unit = [&](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  if (code.starts_with("M8") || code.starts_with("m8")) {  // dates and spans of time: "M8[ns]", "m8[25us]"
    const std::string_view unit = code.substr(2);
    return unit.empty() || (unit.front() == '[' && unit.back() == ']' && unit.size() > 2 &&
                            std::all_of(unit.begin() + 1, unit.end() - 1, is_unit));
  }
  return !code.empty() && std::string_view("USVa").find(code[0]) != std::string_view::npos &&
         std::all_of(code.begin() + 1, code.end(), is_digit);
}

std::string explain_numpy_type(std::string_view text) {
  const std::string_view code = without_order(text);
  if (code.starts_with('O')) return "Python objects, which are a pickle (safelight scan says what it would do)";
  if (code.starts_with('U') || code.starts_with('S') || code.starts_with('a')) return "text";
  if (code.starts_with('M') || code.starts_with('m')) return "dates";
  if (code.starts_with('V')) return "raw records, as NumPy stores types that it does not know (bfloat16, float8)";
  if (code == "c16") return "complex128, which the SafeTensors format lacks";
  if (code == "f16" || code == "f12" || code == "g") return "long double, which the SafeTensors format lacks";
  return fmt::format("the type \"{}\"", shown(text));
}

}  // namespace safelight::foreign
