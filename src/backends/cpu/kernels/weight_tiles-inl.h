// Stored weights as right sides of products of bf16: in tiles of 32 channels of 16 columns, whose rows are pairs of
// channels.
// Re-included for every target; see Highway's foreach_target.h.
#if defined(SAFELIGHT_CPU_WEIGHT_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SAFELIGHT_CPU_WEIGHT_TILES_INL_H_
#undef SAFELIGHT_CPU_WEIGHT_TILES_INL_H_
#else
#define SAFELIGHT_CPU_WEIGHT_TILES_INL_H_
#endif

#include "backends/cpu/kernels/bf16-inl.h"
#include "backends/cpu/kernels/split_tiles-inl.h"
#include "backends/cpu/kernels/weights-inl.h"

#if HWY_TARGET == HWY_AVX3
HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// How far apart a right side's values lie, in floats: rows of a tile, parts, blocks of 32 channels.
struct RightLayout {
  std::int64_t row, part, block;

  // [block][part][tile][row], of so many tiles.
  static RightLayout of_tiles(std::int64_t tiles, int parts) {
    return {kLanes, tiles * kTileFloats, parts * tiles * kTileFloats};
  }
};

// Rows of 32 channels of 16 output channels become tiles, whose rows are pairs of channels.
template <class Stored, int kParts>
HWY_INLINE void pack_tile(const std::uint8_t* from, std::int64_t stride, float* to, const RightLayout& layout) {
  const auto numbers_at = [](const std::uint8_t* at) {
    return Numbers(Stored::widen(at), Stored::widen(at + kLanes * Stored::kBytes));
  };
  if constexpr (Stored::kBytes == 2) {  // pairs as they are stored fill a lane: one transposition does for all parts
    V rows[kLanes];
    SAFELIGHT_UNROLL
    for (int r = 0; r < kLanes; ++r) rows[r] = load_bytes(D(), from + r * stride);
    transpose(rows);
    SAFELIGHT_UNROLL
    for (int r = 0; r < kLanes; ++r) {
      alignas(64) std::uint8_t pairs[kTileRowBytes];
      hn::Store(rows[r], D(), reinterpret_cast<float*>(pairs));
      store_parts<kParts>(numbers_at(pairs), to + r * layout.row, layout.part);
    }
  } else {
    V parts[kParts][kLanes];
    for (int r = 0; r < kLanes; ++r) {
      Numbers numbers = numbers_at(from + r * stride);
      for (int p = 0; p < kParts; ++p) parts[p][r] = kParts == 1 ? numbers.rounded() : numbers.take_part();
    }
    for (int p = 0; p < kParts; ++p) {
      transpose(parts[p]);
      for (int r = 0; r < kLanes; ++r) hn::Store(parts[p][r], D(), to + p * layout.part + r * layout.row);
    }
  }
}

// In-channels [in_begin, in_end) of some output channels, 16 at most, filled up with zeros to whole tiles.
template <class Stored, int kParts>
void pack_column_tile(const StoredWeight& w, PanelColumns columns, std::int64_t in_begin, std::int64_t in_end,
                      const RightLayout& layout, float* to) {
  const std::int64_t row_bytes = w.in * Stored::kBytes;
  const auto* from =
      reinterpret_cast<const std::uint8_t*>(w.data) + columns.first * row_bytes + in_begin * Stored::kBytes;
  alignas(64) std::uint8_t edge[kLanes * kSplitChannels * Stored::kBytes];
  for (std::int64_t at = in_begin; at < in_end; at += kSplitChannels) {
    const std::int64_t width = std::min(kSplitChannels, in_end - at);
    if (width < kSplitChannels || columns.count < kLanes) {  // nothing beyond the weight may be touched
      std::memset(edge, 0, sizeof edge);
      for (std::int64_t r = 0; r < columns.count; ++r)
        std::memcpy(edge + r * kSplitChannels * Stored::kBytes, from + r * row_bytes,
                    static_cast<std::size_t>(width) * Stored::kBytes);
      pack_tile<Stored, kParts>(edge, kSplitChannels * Stored::kBytes, to, layout);
    } else {
      for (int r = 0; r < kLanes; ++r) __builtin_prefetch(from + r * row_bytes + kFetchedAhead);
      pack_tile<Stored, kParts>(from, row_bytes, to, layout);
    }
    from += kSplitChannels * Stored::kBytes;
    to += layout.block;
  }
}

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
