#include "image/orientation.h"

#include <algorithm>
#include <array>

namespace safelight {
namespace {

// Where a shown pixel comes from: along the stored row or column, from its beginning or its end.
struct Turn {
  bool swaps_axes, flips_x, flips_y;  // of the stored picture
};
constexpr std::array<Turn, 9> kTurns{{{},
                                      {false, false, false},
                                      {false, true, false},
                                      {false, true, true},
                                      {false, false, true},
                                      {true, false, false},
                                      {true, false, true},
                                      {true, true, true},
                                      {true, true, false}}};

std::vector<std::uint8_t> turned(const std::vector<std::uint8_t>& in, std::int64_t width, std::int64_t height,
                                 std::int64_t channels, const Turn& turn) {
  std::vector<std::uint8_t> out(in.size());
  const std::int64_t out_width = turn.swaps_axes ? height : width, out_height = turn.swaps_axes ? width : height;
  std::uint8_t* next = out.data();
  for (std::int64_t y = 0; y < out_height; ++y)
    for (std::int64_t x = 0; x < out_width; ++x, next += channels) {
      const std::int64_t from_x = turn.swaps_axes ? y : x, from_y = turn.swaps_axes ? x : y;
      const std::int64_t stored_x = turn.flips_x ? width - 1 - from_x : from_x;
      const std::int64_t stored_y = turn.flips_y ? height - 1 - from_y : from_y;
      std::copy_n(in.data() + (stored_y * width + stored_x) * channels, channels, next);
    }
  return out;
}

}  // namespace

void put_upright(PictureFile& file, int orientation) {
  if (orientation == 1) return;
  const Turn& turn = kTurns.at(static_cast<std::size_t>(orientation));
  Picture& picture = file.picture;
  picture.rgb = turned(picture.rgb, picture.width, picture.height, 3, turn);
  if (!file.alpha.empty()) file.alpha = turned(file.alpha, picture.width, picture.height, 1, turn);
  if (turn.swaps_axes) std::swap(picture.width, picture.height);
}

}  // namespace safelight
