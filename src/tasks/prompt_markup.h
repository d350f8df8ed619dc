// What other programs give a meaning in a prompt, and Safelight reads as plain text.
#pragma once

#include <string_view>

namespace safelight {

// The first place that A1111 would not take for text: a weight such as "(red house:1.2)", or a network such as
// "<lora:name:0.8>"; empty if there is none. A bracket after a backslash is text there, too.
std::string_view unread_markup(std::string_view prompt) noexcept;

}  // namespace safelight
