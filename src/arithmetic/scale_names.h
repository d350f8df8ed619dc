// How files call the scales of a layer's weight of 8 bits.
#pragma once

#include <string_view>

namespace safelight {

// Beside "weight", as ComfyUI writes them; the second is of older files.
inline constexpr std::string_view kScaleNames[] = {"weight_scale", "scale_weight"};

}  // namespace safelight
