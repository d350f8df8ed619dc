// What other programs give a meaning in a prompt, and Safelight reads as plain text.
#pragma once

#include <string_view>

namespace safelight {

// The first place that A1111 would not take for text: a weight such as "(red house:1.2)", a network such as
// "<lora:name:0.8>", an escape such as "\(", or the word BREAK; empty if there is none.
std::string_view unread_markup(std::string_view prompt) noexcept;

}  // namespace safelight
