// The built-in typeface: the bytes of DejaVuSans.ttf, put into the binary by the assembler when it is built. Its
// licence (Bitstream Vera and Arev terms: free use, embedding and redistribution with the notice) is inside the file
// itself.
#pragma once

#include <cstddef>
#include <span>

namespace safelight {

std::span<const std::byte> font_data() noexcept;

}  // namespace safelight
