// How a picture is turned (Exif 2.32, tag 0x0112).
#pragma once

#include "safelight/picture.h"

namespace safelight {

// The picture and its alpha as they are meant to be seen, if they are stored with this orientation: 1 upright,
// 2 mirrored left to right, 3 turned by 180 degrees, 4 mirrored top to bottom, 5 mirrored about the diagonal, 6 to be
// turned clockwise by 90 degrees, 7 mirrored about the other diagonal, 8 to be turned counterclockwise.
// REQUIRES: 1 to 8.
void put_upright(PictureFile& file, int orientation);

}  // namespace safelight
