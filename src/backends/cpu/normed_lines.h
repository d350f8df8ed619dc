// A convolution's input, normalised as groups of its results come to see it, line by line: what one group sees is kept
// and stays in the caches, and no line is made twice.
#pragma once

#include "backends/cpu/engine.h"

namespace safelight::cpu {

class NormedLines {
 public:
  // At most `most_lines` are kept at a time. REQUIRES: source.norm has coefficients, no upsampling.
  NormedLines(Engine& engine, const PixelSource& source, std::int64_t most_lines);

  // The same picture, of lines that were made.
  PixelSource source() const;

  // Makes lines [first, end), counted through all images. REQUIRES: at most `most_lines`, neither before those of the
  // last call.
  void make(std::int64_t first, std::int64_t end);

 private:
  void make_next(std::int64_t lines);  // of one image, side by side in the ring

  Engine& engine_;
  const PixelSource source_;
  const std::int64_t ring_;
  Tensor lines_;
  std::int64_t made_ = 0;
};

}  // namespace safelight::cpu
