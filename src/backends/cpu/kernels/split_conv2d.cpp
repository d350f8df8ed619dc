// A convolution on tiles of bf16: its inputs and weights taken apart, and the multiplication.
#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/split_conv2d.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include <algorithm>

#include "backends/cpu/kernels/channel_norm-inl.h"
#include "backends/cpu/kernels/panel-inl.h"
#include "backends/cpu/kernels/pixel.h"
#include "backends/cpu/kernels/split_conv2d.h"
#include "backends/cpu/kernels/split_strips-inl.h"
#include "backends/cpu/kernels/split_tiles-inl.h"
#include "backends/cpu/kernels/weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
namespace {

constexpr std::int64_t kPositionFloats = kLanes;  // of one pixel's 32 channels, of one part

// One task's share of the call and of the scratch, and of the in-channels those of one pass.
struct Share {
  const SplitConv2dCall& call;
  std::int64_t line_begin, line_end, column_begin, columns, channel_begin, channel_end;
  std::int64_t positions;
  float *inputs, *sums, *weights, *turned;
  std::int64_t in_begin = 0, in_end = 0;

  const ProductCall& product() const { return call.product; }
  const PixelSource& source() const { return call.product.source; }
  std::int64_t pitch() const { return seen_by(source(), columns); }
  std::int64_t channels() const { return in_end - in_begin; }
  std::int64_t part_stride() const { return positions * kPositionFloats; }
  bool passes() const { return product().in_block < product().weight.in; }
  bool is_last() const { return in_end == product().weight.in; }
};

Share share_of(const SplitConv2dCall& call, std::int64_t task, float* scratch) {
  const ProductCall& product = call.product;
  const std::int64_t channel_block = task % product.channel_blocks(), place = task / product.channel_blocks(),
                     line = place / call.column_blocks() * call.line_block,
                     column = place % call.column_blocks() * call.column_block,
                     channel = channel_block * product.channel_block;
  const SplitConv2dScratch layout = split_conv2d_scratch(call, kPanel);
  return {call,
          line,
          std::min(line + call.line_block, call.lines()),
          column,
          std::min(call.column_block, call.source().out_width - column),
          channel,
          std::min(channel + product.channel_block, product.channels),
          layout.positions,
          scratch,
          scratch + layout.sums_at,
          scratch + layout.weights_at,
          scratch + layout.turned_at};
}

// Lines of one image, and where the pixels that they see begin.
struct Segment {
  std::int64_t image, line, lines;  // line: of the image
  std::int64_t position;
};

template <class Use>  // use(segment)
void for_each_segment(const Share& share, Use&& use) {
  const std::int64_t height = share.source().out_height;
  std::int64_t position = 0;
  for (std::int64_t line = share.line_begin; line < share.line_end;) {
    const std::int64_t image = line / height, lines = std::min(share.line_end, (image + 1) * height) - line;
    use(Segment{image, line % height, lines, position});
    position += seen_by(share.source(), lines) * share.pitch();
    line += lines;
  }
}

HWY_INLINE Numbers normalised(const Numbers& numbers, const NormOfImage& norm, std::int64_t channel,
                              std::int64_t left) {
  return {norm.of(numbers.a(), channel, std::min<std::int64_t>(left, kLanes)),
          left > kLanes ? norm.of(numbers.b(), channel + kLanes, left - kLanes) : numbers.b()};
}

// Every pixel that the task sees, normalised where that is asked for: inputs[block of channels][part][position].
template <int kParts, bool kNormalises>
void take_inputs_apart(const Share& share) {
  const PixelSource& source = share.source();
  const bool is_far = share.call.images() * source.height * source.width * source.channels >= kFarFloats;
  for_each_segment(share, [&](const Segment& segment) {
    float* to = share.inputs + segment.position * kPositionFloats;
    const std::int64_t first_y = segment.line * source.stride, first_x = share.column_begin * source.stride;
    const NormOfImage norm = kNormalises ? NormOfImage(source.norm, segment.image, source.channels) : NormOfImage();
    for (std::int64_t y = 0; y < seen_by(source, segment.lines); ++y)
      for (std::int64_t x = 0; x < share.pitch(); ++x, to += kPositionFloats) {
        const float* from = pixel(source, segment.image, first_y + y, first_x + x);
        float* block = to;
        for (std::int64_t at = share.in_begin; at < share.in_end; at += kSplitChannels) {
          const std::int64_t left = share.in_end - at;
          if (is_far) {
            __builtin_prefetch(from + at + kFarFetchedAhead);
            __builtin_prefetch(from + at + kFarFetchedAhead + kLanes);
          }
          Numbers numbers = numbers_at(from + at, left);
          if (kNormalises && from != source.zeros) numbers = normalised(numbers, norm, at, left);
          store_parts<kParts>(numbers, block, share.part_stride());
          block += kParts * share.part_stride();
        }
      }
  });
}

void take_inputs_apart(const Share& share) {
  const bool rounded = share.product().rounded;
  if (share.source().norm.coefficients)
    rounded ? take_inputs_apart<1, true>(share) : take_inputs_apart<kInputParts, true>(share);
  else
    rounded ? take_inputs_apart<1, false>(share) : take_inputs_apart<kInputParts, false>(share);
}

// A panel's weights: weights[block of channels][tap][part][tile].
void take_weights_apart(const Share& share, const Panel& panel) {
  const StoredWeight& w = share.product().weight;
  const int parts = split_parts(share.product()).weights;
  float* to = share.weights;
  for (std::int64_t at = share.in_begin; at < share.in_end; at += kSplitChannels) {
    const std::int64_t channels = std::min(kSplitChannels, share.in_end - at);
    for (std::int64_t v = 0; v < panel.vectors; ++v) {
      const std::int64_t before = v * kLanes;
      pack_columns_of(w, {panel.first + before, std::min<std::int64_t>(kLanes, panel.count - before)}, at,
                      at + channels, share.turned, kLanes);
      for (std::int64_t tap = 0; tap < w.taps; ++tap) {
        const float* from = share.turned + tap * channels * kLanes;
        float* tile = to + (tap * parts * panel.vectors + v) * kTileFloats;
        if (parts == 1)
          split_column_tile<1>(from, channels, kLanes, panel.vectors, tile);
        else if (parts == 2)
          split_column_tile<2>(from, channels, kLanes, panel.vectors, tile);
        else
          split_column_tile<3>(from, channels, kLanes, panel.vectors, tile);
      }
    }
    to += w.taps * parts * panel.vectors * kTileFloats;
  }
}

// 16 results: those of pixels from column `x` of the task and line `line` on, and where their first tap reads.
struct PixelStrip {
  std::int64_t position = 0, line = 0, x = 0;  // line: of all images
};

template <class Use>  // use(strip)
void for_each_strip(const Share& share, Use&& use) {
  const std::int64_t stride = share.source().stride, pitch = share.pitch();
  for_each_segment(share, [&](const Segment& segment) {
    const std::int64_t first_line = segment.image * share.source().out_height + segment.line;
    if (strips_cross_lines(share.source(), share.columns)) {
      for (std::int64_t at = 0; at < (segment.lines - 1) * pitch + share.columns; at += kSplitRows)
        use(PixelStrip{segment.position + at, first_line + at / pitch, at % pitch});
    } else {
      for (std::int64_t line = 0; line < segment.lines; ++line)
        for (std::int64_t x = 0; x < share.columns; x += kSplitRows)
          use(PixelStrip{segment.position + line * stride * pitch + x * stride, first_line + line, x});
    }
  });
}

// Finishes the rows of a strip that are pixels of the picture.
void finish_strip(const Share& share, const Panel& panel, const PixelStrip& strip, const float* sums) {
  const std::int64_t width = share.source().out_width, columns = panel.vectors * kLanes,
                     height = share.source().out_height,
                     line_end = std::min(share.line_end, (strip.line / height + 1) * height);
  const bool goes_on = strips_cross_lines(share.source(), share.columns);
  std::int64_t row = 0, x = strip.x;
  for (std::int64_t line = strip.line; row < kSplitRows && line < line_end; ++line) {
    const std::int64_t count = std::min(share.columns - x, kSplitRows - row);
    if (count > 0)
      finish_tile(share.product(), panel, sums + row * columns, columns, line * width + share.column_begin + x, count);
    if (!goes_on) return;
    row += share.pitch() - x;
    x = 0;
  }
}

void multiply_pass(const Share& share) {
  const ProductCall& call = share.product();
  const PixelSource& source = share.source();
  std::int64_t offsets[kMostTaps];
  for (int tap = 0; tap < call.weight.taps; ++tap)
    offsets[tap] = (tap / source.kernel * share.pitch() + tap % source.kernel) * kPositionFloats;
  const SplitParts parts = split_parts(call);
  float* sums = share.sums;
  for_each_panel(call, share.channel_begin, share.channel_end, [&](const Panel& panel) {
    const std::int64_t columns = panel.vectors * kLanes;
    const MultiplyStrip multiply = multiply_inputs_left_for<true>(parts, panel.vectors);
    take_weights_apart(share, panel);
    PixelStrip held[2];
    std::int64_t count = 0;
    const auto multiply_held = [&] {
      const auto left_of = [&](const PixelStrip& strip) {
        return LeftSide{share.inputs + strip.position * kPositionFloats};
      };
      const LeftSide left = left_of(held[0]), lower = left_of(held[1]);
      multiply({left,
                share.weights,
                divide_up(share.channels(), kSplitChannels),
                sums,
                columns,
                kLanes,
                share.in_begin > 0,
                {share.part_stride(), parts.inputs * share.part_stride(), kTileRowBytes * source.stride,
                 call.weight.taps, offsets},
                count > 1 ? &lower : nullptr});
      if (share.is_last())
        for (std::int64_t i = 0; i < count; ++i) finish_strip(share, panel, held[i], sums + i * kSplitRows * columns);
      if (share.passes()) sums += count * kSplitRows * columns;
      count = 0;
    };
    for_each_strip(share, [&](const PixelStrip& strip) {
      held[count++] = strip;
      if (count == strips_at_once(parts)) multiply_held();
    });
    if (count > 0) multiply_held();
  });
}

}  // namespace

void split_conv2d(const SplitConv2dCall& call, std::int64_t task, float* scratch) {
  Share share = share_of(call, task, scratch);
  const TileRegisters registers;
  for (; share.in_begin < call.product.weight.in; share.in_begin += call.product.in_block) {
    share.in_end = std::min(share.in_begin + call.product.in_block, call.product.weight.in);
    take_inputs_apart(share);
    multiply_pass(share);
  }
}
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
