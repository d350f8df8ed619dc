// Pictures and masks at a size of other proportions.
#pragma once

#include <span>
#include <string_view>

#include "core/name_table.h"
#include "safelight/mask.h"
#include "safelight/picture.h"

namespace safelight {

struct ResizeModeInfo {
  ResizeMode mode;
  Names names;
};
std::span<const ResizeModeInfo> resize_modes() noexcept;
const ResizeModeInfo& info(ResizeMode mode) noexcept;

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
ResizeMode parse_resize_mode(std::string_view name);

// The picture at this size, resampled by resize(). A picture and its mask of the same size stay aligned.
// REQUIRES: width, height >= 1, and a picture that is not empty.
Picture resize_to(const Picture& picture, std::int64_t width, std::int64_t height, ResizeMode mode);
Mask resize_to(const Mask& mask, std::int64_t width, std::int64_t height, ResizeMode mode);

}  // namespace safelight
