// What a kernel for one instruction set must offer, and the table of those that this build has.
// Kernels know nothing of tensors and threads: each does one task of a parallel loop on plain memory. How an op is cut
// into tasks is decided above; no sum depends on it, so the result has the same bits on any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "backends/cpu/rounding.h"
#include "ops/epilogue.h"
#include "safelight/dtype.h"

namespace safelight::cpu {

// Scratch is counted in floats, but may hold pointers, too.
constexpr std::int64_t kFloatsPerPointer = sizeof(void*) / sizeof(float);

// A weight as it lies in the file: [out][in][taps], possibly unaligned. F32, F16, BF16, F8_E4M3, F8_E5M2 or I8.
struct StoredWeight {
  const std::byte* data = nullptr;
  DType type = DType::F32;
  std::int64_t out = 0, in = 0, taps = 1;
};

// A tensor of so many floats is in no cache any more when it is read again. What is as large is stored past the caches,
// which spares fetching the bytes that are overwritten, and a convolution's taps fetch it ahead.
constexpr std::int64_t kFarFloats = std::int64_t{4} << 20;

// How far ahead, in floats.
constexpr std::int64_t kFarFetchedAhead = 1024;

// What is done to values as they are read: (value - mean) * scale + bias, and perhaps SiLU.
struct ChannelNorm {
  const float* coefficients = nullptr;  // [n][3][channels]: means, scales, biases; null: nothing is done
  bool silu = false;
};

// The rows of a product's left side: pixel `r` of the result sees, through every tap of the kernel, one pixel of x or
// zeros. A plain matrix is a picture of height 1, kernel 1.
struct PixelSource {
  const float* x = nullptr;      // [n][height][width][channels]
  const float* zeros = nullptr;  // `channels` of them, for taps outside the picture
  std::int64_t height = 1, width = 0, channels = 0, out_height = 1, out_width = 0;
  int kernel = 1, stride = 1, top = 0, left = 0;
  bool upsample = false;
  // Of a plain matrix that lies in two: the channels after those of x, which has `channels`.
  const float* rest = nullptr;  // [rows][rest_channels] or null
  std::int64_t rest_channels = 0;
  std::int64_t ring = 0;  // if not 0, x holds so many lines: line i, counted through all images, at i % ring
  // Of the pixels that a convolution by parts or Winograd's filtering reads, others do not look at it. Zeros outside
  // the picture stay zeros.
  ChannelNorm norm = {};
};

struct Tail {
  const float* scales = nullptr;     // [out] or null: of the sums
  const float* bias = nullptr;       // [out] or null
  const float* per_image = nullptr;  // [n][out] or null
  const float* residual = nullptr;   // as the result, or null
  Activation activation = Activation::none;
  bool streams = false;  // past the caches. REQUIRES: rows of y begin at multiples of 64 bytes
  bool geglu = false;    // the result's channels are half of the weight's: first half * gelu(second half)
  std::int64_t rows_per_image = 0;
};

// y[rows][channels] = tail(sum over taps and in-channels of x * w). How it is cut: a task is a block of rows times a
// block of output channels; inside, blocks of in-channels, whose weights are widened and packed into scratch.
struct ProductCall {
  StoredWeight weight;
  PixelSource source;
  Tail tail;
  float* y = nullptr;
  std::int64_t rows = 0, channels = 0;                          // of y
  std::int64_t row_block = 0, channel_block = 0, in_block = 0;  // channel_block: of y
  float* split_x = nullptr;                                     // few rows taken apart, see split_product.h
  bool rounded = false;                                         // to bf16, both sides, where products are made of those

  std::int64_t row_blocks() const noexcept { return divide_up(rows, row_block); }
  std::int64_t channel_blocks() const noexcept { return divide_up(channels, channel_block); }
  std::int64_t tasks() const noexcept { return row_blocks() * channel_blocks(); }
};

// Attention of all heads of all images; token t of image n, head h starts at (n * tokens + t) * stride + h * width.
struct AttentionCall {
  const float *q = nullptr, *k = nullptr, *v = nullptr;
  float* y = nullptr;
  std::int64_t images = 0, queries = 0, keys = 0, stride = 0;
  std::int64_t heads = 1, width = 0;  // width: channels of one head
  bool causal = false;
  bool split = false;    // whether products are made by parts of bf16
  bool rounded = false;  // both sides to bf16: by parts to one, else to pairs
  float *packed_k = nullptr,
        *turned_v = nullptr;  // attention_packed() floats for every image and head, each; see attention.h
};

struct GroupNormCall {
  // The first channels from x, the others from rest.
  const float *x = nullptr, *rest = nullptr;
  std::int64_t x_channels = 0;
  std::int64_t images = 0, pixels = 0, channels = 0, groups = 0;
  std::int64_t pixel_block = 0;
  struct Moments {
    double mean, squares;  // squares: the sum of squared distances from the mean
  };
  Moments* moments = nullptr;  // [images][pixel blocks][groups]
  ChannelNorm norm = {};       // made from them
  float* y = nullptr;

  std::int64_t pixel_blocks() const noexcept { return divide_up(pixels, pixel_block); }
};

struct LayerNormCall {
  const float *x = nullptr, *weight = nullptr, *bias = nullptr;
  float* y = nullptr;
  std::int64_t channels = 0;
  float epsilon = 0;
};

struct WinogradCall;     // winograd.h
struct Int8Call;         // int8.h
struct SplitConv2dCall;  // split_conv2d.h

// A product of whole numbers of 8 bits, in two loops, see int8.h: over prepare_tasks(), with scratch, and over
// multiply_tasks().
struct Int8Kernels {
  int group;  // values of a row that lie side by side in 32 bits, and are multiplied and added by one instruction
  void (*prepare)(const Int8Call& call, std::int64_t task, float* scratch);
  void (*multiply)(const Int8Call& call, std::int64_t task);
};

// Attention, in two loops. A task is one image, head and block of keys; then one image, head and block of queries. See
// attention.h.
struct AttentionKernels {
  void (*pack)(const AttentionCall& call, std::int64_t task) = nullptr;
  void (*attend)(const AttentionCall& call, std::int64_t task, float* scratch) = nullptr;
};

// A product by parts of bf16, in two loops, see split_product.h: over split_prepare_tasks(), and with scratch over the
// call's tasks().
struct SplitProductKernels {
  void (*prepare)(const ProductCall& call, std::int64_t task) = nullptr;
  void (*multiply)(const ProductCall& call, std::int64_t task, float* scratch) = nullptr;
};

struct Kernels {
  std::string_view name;  // of the instruction set, as SAFELIGHT_ISA takes it
  bool (*request)();      // asks the system whether they may be used; null if it need not be asked
  int lanes;              // floats in a vector
  int panel;              // output channels that a packed panel of weights holds

  // One task of a product; `scratch` is laid out in product.h, aligned to 64.
  void (*product)(const ProductCall& call, std::int64_t task, float* scratch);
  // The same of one tap, both sides rounded to pairs of bf16; null where the processor does not multiply those.
  void (*product_of_pairs)(const ProductCall& call, std::int64_t task, float* scratch);

  SplitProductKernels split_product;  // the same by parts of bf16; null where the processor has no tiles

  // One task of a convolution by parts; `scratch` is laid out in split_conv2d.h. Null where the processor has no tiles.
  void (*split_conv2d)(const SplitConv2dCall& call, std::int64_t task, float* scratch);

  Int8Kernels int8;

  // A 3x3 convolution in three loops: over column_blocks() of weights (where they are transformed once), input_tasks()
  // and multiply_tasks() with scratch; see winograd.h.
  void (*winograd_weights)(const WinogradCall& call, std::int64_t block);
  void (*winograd_inputs)(const WinogradCall& call, std::int64_t task);
  void (*winograd_multiply)(const WinogradCall& call, std::int64_t task, float* scratch);

  AttentionKernels attention;
  AttentionKernels attention_of_pairs;  // rounded to bf16; null where the processor does not multiply those
  AttentionKernels split_attention;     // by parts of bf16; null where the processor has no tiles

  // Group norm, in two loops, between which the caller makes the coefficients from the blocks' moments. A task is one
  // image and block of pixels; `scratch` holds 2 * channels floats.
  void (*group_norm_moments)(const GroupNormCall& call, std::int64_t task, float* scratch);
  void (*group_norm_apply)(const GroupNormCall& call, std::int64_t task);

  void (*layer_norm)(const LayerNormCall& call, std::int64_t first_row, std::int64_t last_row);

  // Plain conversion, exact.
  void (*widen)(DType type, const std::byte* from, std::int64_t count, float* to);
};

// One entry per instruction set that this build has kernels for and this processor runs, best first.
const std::vector<const Kernels*>& available_kernels();

}  // namespace safelight::cpu
