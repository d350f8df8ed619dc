// The two things in a picture's EXIF data that matter here: how the pixels are turned, and the text.
//
// EXIF data is a TIFF file without a picture: "II*\0" or "MM\0*" (the order of bytes), the offset of a directory; a
// directory is a count and entries of 12 bytes: tag, type, number of values, and the values or their offset. Tag 0x8769
// of the first directory is the offset of a second one, and tag 0x9286 of that the user comment: 8 bytes that name its
// encoding, and text. (Exif 2.32, sections 4.5 and 4.6.)
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "safelight/picture.h"

namespace safelight {

struct Exif {
  int orientation = 1;  // 1 to 8
  PictureText text;     // the user comment as "parameters"; "prompt" and "workflow" if ComfyUI wrote them
};

// With or without "Exif\0\0" in front. Any bytes are accepted: what is not there, points outside or makes no sense is
// left out.
Exif read_exif(std::span<const std::byte> data);

// EXIF data, without "Exif\0\0", whose user comment is this text, in UTF-16 as A1111 writes it: big-endian, like the
// data itself. Bytes that are not UTF-8 become U+FFFD.
std::vector<std::byte> write_exif(std::string_view user_comment);

}  // namespace safelight
