// SAFELIGHT_FONT_FILE comes from CMakeLists.txt. `.incbin` costs no compile time; an array of 757 kB in C++ costs 6 s.
#include "image/font_data.h"

asm(".pushsection .rodata\n"
    ".balign 16\n"
    "safelight_font_begin:\n"
    ".incbin \"" SAFELIGHT_FONT_FILE
    "\"\n"
    "safelight_font_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" const std::byte safelight_font_begin[] __attribute__((visibility("hidden")));
extern "C" const std::byte safelight_font_end[] __attribute__((visibility("hidden")));

namespace safelight {

std::span<const std::byte> font_data() noexcept { return {safelight_font_begin, safelight_font_end}; }

}  // namespace safelight
