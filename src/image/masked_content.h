// What is under a mask when its repainting starts.
#pragma once

#include <span>
#include <string_view>

#include "core/name_table.h"
#include "safelight/mask.h"

namespace safelight {

struct MaskedContentInfo {
  MaskedContent content;
  Names names;
};
std::span<const MaskedContentInfo> masked_contents() noexcept;
const MaskedContentInfo& info(MaskedContent content) noexcept;

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
MaskedContent parse_masked_content(std::string_view name);

// The picture with the surrounding colours in place of what the mask covers, as the AUTOMATIC1111 web UI's "fill": what
// is kept is blurred with a radius of 256, 64, 16, 4 and 2 pixels, and laid over itself in this order. Where the mask
// is 0, bytes are exact; where all is masked, the result is mid-grey. REQUIRES: a mask of the picture's size.
Picture filled_from_around(const Picture& picture, const Mask& mask);

}  // namespace safelight
