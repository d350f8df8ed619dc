// Products of whole numbers of 8 bits: rounding of both sides, and the multiplication.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/int8.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>
#include <bit>

#include "backends/cpu/kernels/int8.h"
#include "backends/cpu/kernels/microkernel-inl.h"
#include "backends/cpu/kernels/panel-inl.h"
#include "backends/cpu/kernels/tile_registers.h"
#include "backends/cpu/kernels/weights-inl.h"
#include "ops/quantise.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

using DI = hn::RebindToSigned<D>;
using VI = hn::Vec<DI>;

// Numbers that are rounded at once: four vectors.
constexpr std::int64_t kBlock = 4 * kLanes;
constexpr std::int64_t kLineBytes = 64;  // of a cache line
static_assert(Int8Call::kRowPadding % kBlock == 0);

// What lies in 32 bits, how four vectors of whole numbers become it, and how two vectors of it are multiplied. In which
// order groups lie within a block does not matter: it is the same for weights and inputs. All sums are exact: no format
// adds in 16 bits, which might saturate.

// Two numbers of 16 bits: for every processor.
struct Pairs {
  using Element = std::int16_t;
  static constexpr int kGroup = 2;
  static constexpr std::int32_t kOffset = 0;

  static HWY_INLINE void store(const VI (&whole)[4], bool, Element* to) {
    const hn::Rebind<Element, D> d16;
    SAFELIGHT_UNROLL
    for (int i = 0; i < 4; ++i) hn::StoreU(hn::DemoteTo(d16, whole[i]), d16, to + i * kLanes);
  }

  static HWY_INLINE VI add_products(VI sums, VI inputs, VI weights) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4
    const hn::Repartition<std::int16_t, DI> d16;
    VI unused = sums;  // here the products of neighbours go into one sum
    return hn::ReorderWidenMulAccumulate(DI(), hn::BitCast(d16, inputs), hn::BitCast(d16, weights), sums, unused);
#else
    const VI odd = hn::Mul(hn::ShiftRight<16>(inputs), hn::ShiftRight<16>(weights));
    const VI even =
        hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(inputs)), hn::ShiftRight<16>(hn::ShiftLeft<16>(weights)));
    return hn::Add(sums, hn::Add(even, odd));
#endif
  }
};

#if HWY_TARGET == HWY_AVX3
// Four numbers of 8 bits, for processors with VNNI. Its instruction takes inputs without a sign: 128 is added to each,
// and 128 times the sum of its column's weights is where a sum starts below zero.
struct Quads {
  using Element = std::int8_t;
  static constexpr int kGroup = 4;
  static constexpr std::int32_t kOffset = 128;

  static HWY_INLINE void store(const VI (&whole)[4], bool with_offset, Element* to) {
    const hn::Repartition<std::int16_t, DI> d16;
    const hn::Repartition<Element, DI> d8;
    const auto lower = hn::ReorderDemote2To(d16, whole[0], whole[1]);
    const auto upper = hn::ReorderDemote2To(d16, whole[2], whole[3]);
    const hn::Vec<decltype(d8)> bytes{_mm512_packs_epi16(lower.raw, upper.raw)};
    const auto sign = hn::Set(d8, with_offset ? Element{-128} : Element{0});  // its change adds 128
    hn::StoreU(hn::Xor(bytes, sign), d8, to);
  }

  // Written out because Highway compiles for AVX-512 without VNNI; whoever gets here has asked the processor.
  static HWY_INLINE VI add_products(VI sums, VI inputs, VI weights) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sums.raw) : "v"(inputs.raw), "v"(weights.raw));
    return sums;
  }
};
#endif

// To nearest even. Highway's own also takes care of numbers beyond 32 bits, which cannot be here, and which takes
// longer than the rounding.
HWY_INLINE VI to_whole(V v) {
#if HWY_TARGET == HWY_AVX3
  return VI{_mm512_cvtps_epi32(v.raw)};
#elif HWY_TARGET == HWY_AVX2
  return VI{_mm256_cvtps_epi32(v.raw)};
#elif HWY_TARGET == HWY_SSE4
  return VI{_mm_cvtps_epi32(v.raw)};
#else
  return hn::NearestInt(v);
#endif
}

// The largest magnitude, or infinity or no number if one of them is. In every type the bits of magnitudes are ordered
// as magnitudes are, with infinity and what is no number at the end, so they are compared as whole numbers, unwidened.
template <class Stored>
float largest_magnitude(const std::uint8_t* from, std::int64_t count) {
  if constexpr (std::is_same_v<Stored, I8Weights>) {  // which stay what they are
    int largest = kLargestWhole;
    for (std::int64_t i = 0; i < count; ++i)
      largest = std::max(largest, std::abs(int{static_cast<std::int8_t>(from[i])}));
    return static_cast<float>(largest);
  }
  using Code = hwy::SignedFromSize<Stored::kBytes>;
  const hn::ScalableTag<Code> d;
  const std::int64_t lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto sign_free = hn::Set(d, hwy::LimitsMax<Code>());
  const auto magnitude = [&](const std::uint8_t* at) { return hn::And(sign_free, load_bytes(d, at)); };
  auto one = hn::Zero(d), other = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    one = hn::Max(one, magnitude(from + i * Stored::kBytes));
    other = hn::Max(other, magnitude(from + (i + lanes) * Stored::kBytes));
  }
  alignas(64) Code codes[hn::MaxLanes(d)];
  hn::Store(hn::Max(one, other), d, codes);
  Code largest = *std::max_element(codes, codes + lanes);
  for (; i < count; ++i) {
    Code code;
    std::memcpy(&code, from + i * Stored::kBytes, sizeof code);
    largest = std::max(largest, static_cast<Code>(code & hwy::LimitsMax<Code>()));
  }
  return hn::GetLane(widen_some<Stored>(reinterpret_cast<const std::uint8_t*>(&largest), 1));
}

// A row after rounding: what one stands for, and the sum of its whole numbers.
struct RoundedRow {
  float unit;
  std::int32_t sum;
};

// Rounds `count` numbers at `from`; `to` is filled up with zeros to `padded`, a multiple of kBlock. With an offset, the
// format's is added to each.
template <class Format, class Stored>
RoundedRow round_row(const std::uint8_t* from, std::int64_t count, typename Format::Element* to, std::int64_t padded,
                     bool with_offset) {
  const DI di;
  const Int8Scale scale = int8_scale(largest_magnitude<Stored>(from, count));
  const V factor = splat(scale.factor);
  VI sum = hn::Zero(di);
  for (std::int64_t i = 0; i < padded; i += kBlock) {
    // The row after this one comes from memory meanwhile.
    for (std::int64_t byte = 0; byte < kBlock * Stored::kBytes; byte += kLineBytes)
      __builtin_prefetch(from + (count + i) * Stored::kBytes + byte);
    VI whole[4];
    if (i + kBlock <= count) {
      SAFELIGHT_UNROLL
      for (int j = 0; j < 4; ++j)
        whole[j] = to_whole(hn::Mul(Stored::widen(from + (i + j * kLanes) * Stored::kBytes), factor));
    } else {
      for (int j = 0; j < 4; ++j) {
        const std::int64_t at = i + j * kLanes;
        whole[j] = at < count ? to_whole(hn::Mul(widen_some<Stored>(from + at * Stored::kBytes, count - at), factor))
                              : hn::Zero(di);
      }
    }
    sum = hn::Add(sum, hn::Add(hn::Add(whole[0], whole[1]), hn::Add(whole[2], whole[3])));
    Format::store(whole, with_offset, to + i);
  }
  return {scale.unit, hn::GetLane(hn::SumOfLanes(di, sum))};
}

// Output channel `channel` of a stored weight.
template <class Format>
RoundedRow round_weights(const StoredWeight& w, std::int64_t channel, typename Format::Element* to,
                         std::int64_t padded) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(w.data);
  return for_stored(w.type, [&]<class Stored>(Stored) {
    return round_row<Format, Stored>(bytes + channel * w.in * Stored::kBytes, w.in, to, padded, false);
  });
}

// Rounds output channels [first, first + count), count <= kLanes, into columns [at, at + kLanes) of a panel that is
// `width` columns wide; columns from `count` on are zero.
struct PanelPlace {
  std::int32_t *weights, *first_sums;
  float* units;
  std::int64_t width;
};
template <class Format>
void round_columns(const Int8Call& call, PanelColumns columns, const PanelPlace& place, std::int64_t at,
                   std::int32_t* rounded) {
  const std::int64_t groups = call.groups();
  for (int lane = 0; lane < kLanes; ++lane) {
    auto* row = reinterpret_cast<typename Format::Element*>(rounded + lane * groups);
    RoundedRow result{0, 0};
    if (lane < columns.count)
      result = round_weights<Format>(call.product.weight, columns.first + lane, row, groups * Format::kGroup);
    else
      std::fill_n(row, groups * Format::kGroup, typename Format::Element{0});
    place.units[at + lane] = result.unit;
    place.first_sums[at + lane] = -Format::kOffset * result.sum;
  }
  const DI di;
  for (std::int64_t g = 0; g < groups; g += kLanes) {
    V rows[kLanes];
    SAFELIGHT_UNROLL
    for (int lane = 0; lane < kLanes; ++lane) rows[lane] = hn::BitCast(D(), hn::LoadU(di, rounded + lane * groups + g));
    transpose(rows);
    SAFELIGHT_UNROLL
    for (int i = 0; i < kLanes; ++i)
      hn::StoreU(hn::BitCast(di, rows[i]), di, place.weights + (g + i) * place.width + at);
  }
}

Panel panel_of(const Int8Call& call, std::int64_t index) {
  const std::int64_t channels = call.product.tail.geglu ? kPanel / 2 : kPanel;
  return panel_at(call.product, index * channels, std::min((index + 1) * channels, call.product.channels));
}

PanelPlace place_of(const Int8Call& call, std::int64_t index, const Panel& panel) {
  return {call.weights + index * call.groups() * kPanel, call.first_sums + index * kPanel,
          call.weight_units + index * kPanel, panel.vectors * kLanes};
}

template <class Format>
void round_panel(const Int8Call& call, std::int64_t index, float* scratch) {
  const Panel panel = panel_of(call, index);
  const PanelPlace place = place_of(call, index, panel);
  const std::int64_t halves = call.product.tail.geglu ? 2 : 1, vectors = panel.vectors / halves;
  for (std::int64_t half = 0; half < halves; ++half)
    for (std::int64_t v = 0; v < vectors; ++v)
      round_columns<Format>(call,
                            {half * call.product.channels + panel.first + v * kLanes,
                             std::min<std::int64_t>(kLanes, panel.count - v * kLanes)},
                            place, (half * vectors + v) * kLanes, reinterpret_cast<std::int32_t*>(scratch));
}

template <class Format>
void round_inputs(const Int8Call& call, std::int64_t block, float* scratch) {
  const PixelSource& s = call.product.source;
  const std::int64_t in = call.product.weight.in, groups = call.groups();
  const std::int64_t begin = block * Int8Call::kPrepareRows;
  for (std::int64_t row = begin; row < std::min(begin + Int8Call::kPrepareRows, call.product.rows); ++row) {
    const float* values = s.x + row * s.channels;
    if (s.rest) {  // a row has one unit, so it is put together first
      std::copy_n(s.rest + row * s.rest_channels, s.rest_channels, std::copy_n(values, s.channels, scratch));
      values = scratch;
    }
    const auto* from = reinterpret_cast<const std::uint8_t*>(values);
    auto* to = reinterpret_cast<typename Format::Element*>(call.inputs + row * groups);
    call.input_units[row] = round_row<Format, F32Weights>(from, in, to, groups * Format::kGroup, true).unit;
  }
}

// The operands of one tile: some rows by one panel.
struct Int8Tile {
  const std::int32_t* inputs;
  const float* input_units;
  std::int64_t groups;
  PanelPlace panel;
};

// y[row * kPanel + column] = the sum of products, in the units of row and column.
template <class Format, int Rows, int Vectors>
HWY_NOINLINE void multiply_int8_tile(const Int8Tile& tile, float* HWY_RESTRICT y) {
  const DI di;
  VI sums[Rows][Vectors];
  SAFELIGHT_UNROLL
  for (int i = 0; i < Rows; ++i) {
    SAFELIGHT_UNROLL
    for (int j = 0; j < Vectors; ++j) sums[i][j] = hn::Load(di, tile.panel.first_sums + j * kLanes);
  }
  const std::int32_t* row[Rows];
  SAFELIGHT_UNROLL
  for (int i = 0; i < Rows; ++i) row[i] = tile.inputs + i * tile.groups;
  const std::int32_t* weights = tile.panel.weights;
  for (std::int64_t g = 0; g < tile.groups; ++g) {
    VI b[Vectors];
    SAFELIGHT_UNROLL
    for (int j = 0; j < Vectors; ++j) b[j] = hn::Load(di, weights + j * kLanes);
    weights += Vectors * kLanes;
    SAFELIGHT_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const VI a = hn::Set(di, row[i][g]);
      SAFELIGHT_UNROLL
      for (int j = 0; j < Vectors; ++j) sums[i][j] = Format::add_products(sums[i][j], a, b[j]);
    }
  }
  SAFELIGHT_UNROLL
  for (int i = 0; i < Rows; ++i) {
    const V unit = splat(tile.input_units[i]);
    SAFELIGHT_UNROLL
    for (int j = 0; j < Vectors; ++j)
      hn::Store(hn::Mul(hn::Mul(hn::ConvertTo(D(), sums[i][j]), hn::Load(D(), tile.panel.units + j * kLanes)), unit),
                D(), y + i * kPanel + j * kLanes);
  }
}

using MultiplyInt8Tile = void (*)(const Int8Tile&, float*);

template <class Format, int Vectors>
MultiplyInt8Tile multiply_int8_tile_for_rows(std::int64_t rows) {
  static constexpr MultiplyInt8Tile kTable[kTileRows] = {
      multiply_int8_tile<Format, 1, Vectors>, multiply_int8_tile<Format, 2, Vectors>,
      multiply_int8_tile<Format, 3, Vectors>, multiply_int8_tile<Format, 4, Vectors>,
      multiply_int8_tile<Format, 5, Vectors>, multiply_int8_tile<Format, 6, Vectors>,
  };
  return kTable[rows - 1];
}

// REQUIRES: 1 <= rows <= kTileRows, 1 <= vectors <= kPanelVectors.
template <class Format>
MultiplyInt8Tile multiply_int8_tile_for(std::int64_t rows, std::int64_t vectors) {
  if constexpr (kPanelVectors > 2) {
    if (vectors == 4) return multiply_int8_tile_for_rows<Format, 4>(rows);
    if (vectors == 3) return multiply_int8_tile_for_rows<Format, 3>(rows);
  }
  return vectors == 2 ? multiply_int8_tile_for_rows<Format, 2>(rows) : multiply_int8_tile_for_rows<Format, 1>(rows);
}

template <class Format>
void prepare(const Int8Call& call, std::int64_t task, float* scratch) {
  if (task < call.panels())
    round_panel<Format>(call, task, scratch);
  else
    round_inputs<Format>(call, task - call.panels(), scratch);
}

template <class Format>
void multiply(const Int8Call& call, std::int64_t task) {
  const std::int64_t row_begin = task / call.panel_blocks() * call.row_block,
                     panel_begin = task % call.panel_blocks() * call.panel_block;
  const Tiling tiling(std::min(call.row_block, call.product.rows - row_begin));
  alignas(64) float sums[kTileRows * kPanel];
  for (std::int64_t p = panel_begin; p < std::min(panel_begin + call.panel_block, call.panels()); ++p) {
    const Panel panel = panel_of(call, p);
    Int8Tile operands{nullptr, nullptr, call.groups(), place_of(call, p, panel)};
    for (std::int64_t tile = 0; tile < tiling.tiles; ++tile) {
      const std::int64_t row = row_begin + tiling.begin(tile), height = tiling.begin(tile + 1) - tiling.begin(tile);
      operands.inputs = call.inputs + row * call.groups();
      operands.input_units = call.input_units + row;
      multiply_int8_tile_for<Format>(height, panel.vectors)(operands, sums);
      finish_tile(call.product, panel, sums, kPanel, row, height);
    }
  }
}

#if HWY_TARGET == HWY_AVX3
// The same of quads by processors with AMX: two tiles of 16 rows by two of 16 columns at once, from the same memory.
// sums[row * kPanel + column], 32 rows, and columns from `column` on.
template <bool kLower, bool kRight>
void add_byte_tiles(const Int8Tile& tile, std::int64_t column, std::int32_t* sums) {
  const std::int64_t row_bytes = tile.groups * 4, group_bytes = tile.panel.width * 4, sum_bytes = kPanel * 4;
  clear_tile<0>(), clear_tile<1>();
  if constexpr (kLower) clear_tile<2>(), clear_tile<3>();
  for (std::int64_t g = 0; g < tile.groups; g += kTileRegisterRows) {
    const std::int32_t *inputs = tile.inputs + g, *weights = tile.panel.weights + g * tile.panel.width + column;
    load_tile<6>(weights, group_bytes);
    if constexpr (kRight) load_tile<7>(weights + kLanes, group_bytes);
    load_tile<4>(inputs, row_bytes);
    multiply_byte_tiles<0, 4, 6>();
    if constexpr (kRight) multiply_byte_tiles<1, 4, 7>();
    if constexpr (kLower) {
      load_tile<5>(inputs + kTileRegisterRows * tile.groups, row_bytes);
      multiply_byte_tiles<2, 5, 6>();
      if constexpr (kRight) multiply_byte_tiles<3, 5, 7>();
    }
  }
  std::int32_t *upper = sums + column, *lower = upper + kTileRegisterRows * kPanel;
  store_tile<0>(upper, sum_bytes);
  if constexpr (kRight) store_tile<1>(upper + kLanes, sum_bytes);
  if constexpr (kLower) store_tile<2>(lower, sum_bytes);
  if constexpr (kLower && kRight) store_tile<3>(lower + kLanes, sum_bytes);
}

void add_byte_tiles_of(const Int8Tile& tile, std::int64_t rows, std::int32_t* sums) {
  using Add = void (*)(const Int8Tile&, std::int64_t, std::int32_t*);
  static constexpr Add kTable[2][2] = {{add_byte_tiles<false, false>, add_byte_tiles<false, true>},
                                       {add_byte_tiles<true, false>, add_byte_tiles<true, true>}};
  for (std::int64_t column = 0; column < tile.panel.width; column += 2 * kLanes)
    kTable[rows > kTileRegisterRows][column + kLanes < tile.panel.width](tile, column, sums);
}

// Whole sums to floats, in the units of row and column.
void apply_units(const Int8Tile& tile, std::int64_t rows, const std::int32_t* sums, float* y) {
  const DI di;
  for (std::int64_t i = 0; i < rows; ++i, sums += kPanel, y += kPanel)
    for (std::int64_t c = 0; c < tile.panel.width; c += kLanes) {
      const VI sum = hn::Add(hn::Load(di, sums + c), hn::Load(di, tile.panel.first_sums + c));
      hn::Store(
          hn::Mul(hn::Mul(hn::ConvertTo(D(), sum), hn::Load(D(), tile.panel.units + c)), splat(tile.input_units[i])),
          D(), y + c);
    }
}
#endif

}  // namespace

void int8_prepare_pairs(const Int8Call& call, std::int64_t task, float* scratch) {
  prepare<Pairs>(call, task, scratch);
}
void int8_multiply_pairs(const Int8Call& call, std::int64_t task) { multiply<Pairs>(call, task); }

#if HWY_TARGET == HWY_AVX3
void int8_prepare_quads(const Int8Call& call, std::int64_t task, float* scratch) {
  prepare<Quads>(call, task, scratch);
}
void int8_multiply_quads(const Int8Call& call, std::int64_t task) { multiply<Quads>(call, task); }

void int8_multiply_tiles(const Int8Call& call, std::int64_t task) {
  constexpr std::int64_t kRows = 2 * kTileRegisterRows;
  const std::int64_t row_begin = task / call.panel_blocks() * call.row_block,
                     row_end = std::min(row_begin + call.row_block, call.product.rows),
                     panel_begin = task % call.panel_blocks() * call.panel_block;
  alignas(64) std::int32_t sums[kRows * kPanel];
  alignas(64) float y[kRows * kPanel];
  for (std::int64_t p = panel_begin; p < std::min(panel_begin + call.panel_block, call.panels()); ++p) {
    const Panel panel = panel_of(call, p);
    Int8Tile operands{nullptr, nullptr, call.groups(), place_of(call, p, panel)};
    for (std::int64_t row = row_begin; row < row_end; row += kRows) {
      const std::int64_t rows = std::min(kRows, row_end - row);
      const TileRegisters registers(rows);
      operands.inputs = call.inputs + row * call.groups();
      operands.input_units = call.input_units + row;
      add_byte_tiles_of(operands, rows, sums);
      apply_units(operands, rows, sums, y);
      finish_tile(call.product, panel, y, kPanel, row, rows);
    }
  }
}
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
