// A contact sheet: pictures as small prints on a dark ground, each with its caption below.
#pragma once

#include <span>
#include <string>

#include "safelight/picture.h"

namespace safelight {

struct SheetEntry {
  Picture picture;
  std::string caption;  // UTF-8; up to four lines are shown
};

struct SheetOptions {
  int columns = 0;  // 0: as many as make the sheet a little wider than high, at most 6
};

// The picture at the size that a sheet shows it at: up to 192 pixels it is enlarged by a whole factor to 256 or a
// little more, above 512 reduced to fit 512. A result is its own print, so that callers can drop large pictures early.
Picture sheet_print(const Picture& picture);

// Throws Error(usage) without entries or for negative columns, Error(limit) for a sheet of more than 100 million
// pixels.
Picture contact_sheet(std::span<const SheetEntry> entries, const SheetOptions& options = {});

}  // namespace safelight
