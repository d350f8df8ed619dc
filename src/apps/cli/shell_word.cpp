#include "apps/cli/shell_word.h"

#include <fmt/format.h>

#include <string_view>

#include "core/printable.h"

namespace safelight::cli {
namespace {

std::string without_backslashes(std::string_view text) {
  std::string rest(text);
  std::erase(rest, '\\');
  return rest;
}

}  // namespace

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:=+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  const std::string rest = without_backslashes(word);
  const bool readable = printable(rest) == rest;
  std::string out = readable ? "'" : "$'";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'')
      out += readable ? "'\\''" : "\\'";
    else if (!readable && c == '\n')
      out += "\\n";
    else if (!readable && (byte < 0x20 || byte >= 0x7f || c == '\\'))
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out + "'";
}

}  // namespace safelight::cli
