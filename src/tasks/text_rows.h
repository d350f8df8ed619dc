// Which texts the UNet reads for the images of one call.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace safelight {

// Of the texts of a call of generate(), which are encoded in this order.
inline constexpr std::int64_t kPromptRow = 0, kNegativeRow = 1;

struct TextRows {
  std::vector<std::int64_t> read;      // kPromptRow, kNegativeRow: each once
  std::vector<std::int64_t> followed;  // by each image: an index into `read`, or kBlankText
};

// `texts`: of each image, kPromptRow or kNegativeRow. A blank negative prompt is zeros; it is read only where nothing
// else is.
TextRows text_rows(std::span<const std::int64_t> texts, bool negative_is_blank);

}  // namespace safelight
