// The settings of a picture as one text, in the form that the AUTOMATIC1111 web UI writes and reads:
//
//   a red house by a lake
//   Negative prompt: rain
//   Steps: 25, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x512, ...
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace safelight {

// The keyword of the PNG text chunk that holds it.
inline constexpr std::string_view kInfotextKeyword = "parameters";

struct Infotext {
  std::string prompt, negative_prompt;
  std::vector<std::pair<std::string, std::string>> fields;  // the last line, in its order

  // The value of a field, or nullptr.
  const std::string* find(std::string_view name) const noexcept;
};

// A value with a comma, a colon or a line break is written as a JSON string.
std::string format_infotext(const Infotext& info);

// Follows the web UI's rule: the last line holds settings only if at least three can be recognised in it. Any text is
// accepted; what is no setting is prompt. Settings are split as the web UI's pattern splits them, in linear time; a
// byte above 0x7F counts as a letter in their names.
Infotext parse_infotext(std::string_view text);

}  // namespace safelight
