#include "backends/cpu/normed_lines.h"

#include <algorithm>

namespace safelight::cpu {
namespace {

constexpr std::int64_t kTaskFloats = 16 * 1024;

}  // namespace

NormedLines::NormedLines(Engine& engine, const PixelSource& source, std::int64_t most_lines)
    : engine_(engine),
      source_(source),
      ring_(most_lines),
      lines_(engine.empty({ring_, source.width, source.channels})) {}

PixelSource NormedLines::source() const {
  PixelSource normed = source_;
  normed.x = lines_.floats().data();
  normed.ring = ring_;
  normed.norm = {};
  return normed;
}

void NormedLines::make(std::int64_t first, std::int64_t end) {
  made_ = std::max(made_, first);
  while (made_ < end) {
    const std::int64_t of_image = round_up(made_ + 1, source_.height), of_ring = round_up(made_ + 1, ring_);
    make_next(std::min({end, of_image, of_ring}) - made_);
  }
}

void NormedLines::make_next(std::int64_t lines) {
  const std::int64_t line = source_.width * source_.channels, image = made_ / source_.height;
  const GroupNormCall call{.x = source_.x + made_ * line,
                           .x_channels = source_.channels,
                           .images = 1,
                           .pixels = lines * source_.width,
                           .channels = source_.channels,
                           .pixel_block = std::max<std::int64_t>(1, kTaskFloats / source_.channels),
                           .norm = {source_.norm.coefficients + image * 3 * source_.channels, source_.norm.silu},
                           .y = lines_.mutable_floats().data() + made_ % ring_ * line};
  engine_.for_each(call.pixel_blocks(), [&](std::int64_t task) { engine_.kernels.group_norm_apply(call, task); });
  made_ += lines;
}

}  // namespace safelight::cpu
