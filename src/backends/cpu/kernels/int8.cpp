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
#include "backends/cpu/kernels/weights-inl.h"
#include "ops/quantise.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {
namespace {

using DI = hn::RebindToSigned<D>;
using VI = hn::Vec<DI>;

// What lies in 32 bits, and how two vectors of it are multiplied. All sums are exact: no format adds in 16 bits, which
// might saturate.

// Two numbers of 16 bits: for every processor.
struct Pairs {
  using Element = std::int16_t;
  static constexpr int kGroup = 2;
  static constexpr std::int32_t kOffset = 0;

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

  // Written out because Highway compiles for AVX-512 without VNNI; whoever gets here has asked the processor.
  static HWY_INLINE VI add_products(VI sums, VI inputs, VI weights) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sums.raw) : "v"(inputs.raw), "v"(weights.raw));
    return sums;
  }
};
#endif

// Rounds `count` numbers at `from` to whole ones; `to` is filled up with zeros to `padded`, a multiple of kLanes.
// Returns the unit, and their sum.
struct RoundedRow {
  float unit;
  std::int32_t sum;
};
template <class Format, class Stored>
RoundedRow round_row(const std::uint8_t* from, std::int64_t count, typename Format::Element* to, std::int64_t padded) {
  const DI di;
  const hn::Rebind<typename Format::Element, D> elements;
  // Bits of magnitudes are ordered as the magnitudes are, and those of infinity and of what is no number come last.
  VI largest = hn::Zero(di);
  const VI magnitude = hn::Set(di, 0x7FFFFFFF);
  for (std::int64_t i = 0; i < count; i += kLanes)
    largest =
        hn::Max(largest, hn::And(magnitude, hn::BitCast(di, widen_some<Stored>(from + i * Stored::kBytes, count - i))));
  const Int8Scale scale = int8_scale(std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(di, largest))));
  const V factor = splat(scale.factor);
  VI sum = hn::Zero(di);
  std::int64_t i = 0;
  for (; i < count; i += kLanes) {
    const VI whole = hn::NearestInt(hn::Mul(widen_some<Stored>(from + i * Stored::kBytes, count - i), factor));
    sum = hn::Add(sum, whole);
    hn::StoreU(hn::DemoteTo(elements, whole), elements, to + i);
  }
  std::fill(to + i, to + std::max(i, padded), typename Format::Element{0});
  return {scale.unit, hn::GetLane(hn::SumOfLanes(di, sum))};
}

// Output channel `channel` of a stored weight.
template <class Format>
RoundedRow round_weights(const StoredWeight& w, std::int64_t channel, typename Format::Element* to,
                         std::int64_t padded) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(w.data);
  const auto round = [&]<class Stored>(Stored) {
    return round_row<Format, Stored>(bytes + channel * w.in * Stored::kBytes, w.in, to, padded);
  };
  if (w.type == DType::F16) return round(F16Weights());
  if (w.type == DType::BF16) return round(BF16Weights());
  return round(F32Weights());
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
  const std::int64_t stride = call.input_stride(), groups = call.groups();
  for (int lane = 0; lane < kLanes; ++lane) {
    auto* row = reinterpret_cast<typename Format::Element*>(rounded + lane * stride);
    RoundedRow result{0, 0};
    if (lane < columns.count)
      result = round_weights<Format>(call.product.weight, columns.first + lane, row, stride * Format::kGroup);
    else
      std::fill_n(row, stride * Format::kGroup, typename Format::Element{0});
    place.units[at + lane] = result.unit;
    place.first_sums[at + lane] = -Format::kOffset * result.sum;
  }
  const DI di;
  for (std::int64_t g = 0; g < groups; g += kLanes) {
    V rows[kLanes];
    SAFELIGHT_UNROLL
    for (int lane = 0; lane < kLanes; ++lane) rows[lane] = hn::BitCast(D(), hn::LoadU(di, rounded + lane * stride + g));
    transpose(rows);
    const std::int64_t count = std::min<std::int64_t>(kLanes, groups - g);
    for (std::int64_t i = 0; i < count; ++i)
      hn::StoreU(hn::BitCast(di, rows[i]), di, place.weights + (g + i) * place.width + at);
  }
}

Panel panel_of(const Int8Call& call, std::int64_t index) {
  const std::int64_t channels = call.product.tail.geglu ? kPanel / 2 : kPanel;
  return panel_at(call.product, index * channels, call.product.channels);
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
void round_inputs(const Int8Call& call, std::int64_t block) {
  const std::int64_t in = call.product.weight.in, stride = call.input_stride();
  const std::int64_t begin = block * Int8Call::kPrepareRows;
  for (std::int64_t row = begin; row < std::min(begin + Int8Call::kPrepareRows, call.product.rows); ++row) {
    std::int32_t* to = call.inputs + row * stride;
    const auto* from = reinterpret_cast<const std::uint8_t*>(call.product.source.x + row * in);
    call.input_units[row] = round_row<Format, F32Weights>(from, in, reinterpret_cast<typename Format::Element*>(to),
                                                          stride * Format::kGroup)
                                .unit;
    if constexpr (Format::kOffset != 0) {
      const DI di;
      const VI flip = hn::Set(di, static_cast<std::int32_t>(0x80808080));
      for (std::int64_t i = 0; i < stride; i += kLanes) hn::StoreU(hn::Xor(hn::LoadU(di, to + i), flip), di, to + i);
    }
  }
}

// The operands of one tile: some rows by one panel.
struct Int8Tile {
  const std::int32_t* inputs;
  const float* input_units;
  std::int64_t stride, groups;
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
  for (int i = 0; i < Rows; ++i) row[i] = tile.inputs + i * tile.stride;
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
    round_inputs<Format>(call, task - call.panels());
}

template <class Format>
void multiply(const Int8Call& call, std::int64_t task) {
  const std::int64_t row_begin = task / call.panel_blocks() * call.row_block,
                     panel_begin = task % call.panel_blocks() * call.panel_block;
  const Tiling tiling(std::min(call.row_block, call.product.rows - row_begin));
  alignas(64) float sums[kTileRows * kPanel];
  for (std::int64_t p = panel_begin; p < std::min(panel_begin + call.panel_block, call.panels()); ++p) {
    const Panel panel = panel_of(call, p);
    Int8Tile operands{nullptr, nullptr, call.input_stride(), call.groups(), place_of(call, p, panel)};
    for (std::int64_t tile = 0; tile < tiling.tiles; ++tile) {
      const std::int64_t row = row_begin + tiling.begin(tile), height = tiling.begin(tile + 1) - tiling.begin(tile);
      operands.inputs = call.inputs + row * call.input_stride();
      operands.input_units = call.input_units + row;
      multiply_int8_tile_for<Format>(height, panel.vectors)(operands, sums);
      finish_tile(call.product, panel, sums, kPanel, row, height);
    }
  }
}

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
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
