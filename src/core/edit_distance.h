// How far apart two names are, to suggest the one that was meant.
#pragma once

#include <cstddef>
#include <string_view>

namespace safelight {

// The fewest bytes to insert, remove or replace (V. I. Levenshtein 1966) that make one of the other. Takes time as the
// product of their lengths.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace safelight
