// The table of instruction sets.
#include "backends/cpu/kernels/kernels.h"

#include "core/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/kernels.cpp"
#include <hwy/foreach_target.h>  // re-includes this file once per target
#include <hwy/highway.h>

#include "backends/cpu/kernels/tile_registers.h"
#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace safelight::cpu::HWY_NAMESPACE {

// Each in the file of its name.
void product(const ProductCall& call, std::int64_t task, float* scratch);
void int8_prepare_pairs(const Int8Call& call, std::int64_t task, float* scratch);
void int8_multiply_pairs(const Int8Call& call, std::int64_t task);
void winograd_weights(const WinogradCall& call, std::int64_t block);
void winograd_inputs(const WinogradCall& call, std::int64_t task);
void winograd_multiply(const WinogradCall& call, std::int64_t task, float* scratch);
void attention_pack(const AttentionCall& call, std::int64_t task);
void attention(const AttentionCall& call, std::int64_t task, float* scratch);
void group_norm_moments(const GroupNormCall& call, std::int64_t task, float* scratch);
void group_norm_apply(const GroupNormCall& call, std::int64_t task);
void layer_norm(const LayerNormCall& call, std::int64_t first_row, std::int64_t last_row);
void widen(DType type, const std::byte* from, std::int64_t count, float* to);

#if HWY_TARGET == HWY_AVX3
inline constexpr std::string_view kName = "avx512";
#elif HWY_TARGET == HWY_AVX2
inline constexpr std::string_view kName = "avx2";
#elif HWY_TARGET == HWY_SSE4
inline constexpr std::string_view kName = "sse4";
#elif HWY_TARGET == HWY_NEON
inline constexpr std::string_view kName = "neon";
#else
inline constexpr std::string_view kName = "baseline";
#endif

inline constexpr Kernels kKernels{
    .name = kName,
    .request = nullptr,
    .lanes = kLanes,
    .panel = kPanel,
    .product = product,
    .product_of_pairs = nullptr,
    .split_product = {},
    .split_conv2d = nullptr,
    .int8 = {2, int8_prepare_pairs, int8_multiply_pairs},
    .winograd_weights = winograd_weights,
    .winograd_inputs = winograd_inputs,
    .winograd_multiply = winograd_multiply,
    .attention = {attention_pack, attention},
    .attention_of_pairs = {},
    .split_attention = {},
    .group_norm_moments = group_norm_moments,
    .group_norm_apply = group_norm_apply,
    .layer_norm = layer_norm,
    .widen = widen,
};

#if HWY_TARGET == HWY_AVX3
// VNNI came later than the rest of AVX-512, and only the products of whole numbers use it.
void int8_prepare_quads(const Int8Call& call, std::int64_t task, float* scratch);
void int8_multiply_quads(const Int8Call& call, std::int64_t task);
constexpr Kernels with_vnni(Kernels kernels) {
  kernels.name = "avx512vnni";
  kernels.int8 = {4, int8_prepare_quads, int8_multiply_quads};
  return kernels;
}
inline constexpr Kernels kVnniKernels = with_vnni(kKernels);

// Pairs of bf16 came later still.
void product_of_pairs(const ProductCall& call, std::int64_t task, float* scratch);
void attention_pack_pairs(const AttentionCall& call, std::int64_t task);
void attention_of_pairs(const AttentionCall& call, std::int64_t task, float* scratch);
constexpr Kernels with_bf16(Kernels kernels) {
  kernels.name = "avx512bf16";
  kernels.product_of_pairs = product_of_pairs;
  kernels.attention_of_pairs = {attention_pack_pairs, attention_of_pairs};
  return kernels;
}
inline constexpr Kernels kBf16Kernels = with_bf16(kVnniKernels);

// So did tiles, which need no pairs.
void int8_multiply_tiles(const Int8Call& call, std::int64_t task);
void split_prepare(const ProductCall& call, std::int64_t task);
void split_multiply(const ProductCall& call, std::int64_t task, float* scratch);
void split_conv2d(const SplitConv2dCall& call, std::int64_t task, float* scratch);
void split_attention_pack(const AttentionCall& call, std::int64_t task);
void split_attention(const AttentionCall& call, std::int64_t task, float* scratch);
constexpr Kernels with_tiles(Kernels kernels) {
  kernels.name = "amx";
  kernels.request = request_tiles;
  kernels.split_product = {split_prepare, split_multiply};
  kernels.split_conv2d = split_conv2d;
  kernels.split_attention = {split_attention_pack, split_attention};
  kernels.int8.multiply = int8_multiply_tiles;
  return kernels;
}
inline constexpr Kernels kTileKernels = with_tiles(kVnniKernels);
#endif

}  // namespace safelight::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace safelight::cpu {
namespace {

struct Compiled {
  std::int64_t target;
  const Kernels* kernels;
  bool (*has_more)() = nullptr;  // than what Highway's target has: null if it needs no more
};

[[maybe_unused]] bool has_vnni() {
#if HWY_ARCH_X86
  return __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

[[maybe_unused]] bool has_vnni_and_bf16() {
#if HWY_ARCH_X86
  return has_vnni() && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

[[maybe_unused]] bool has_vnni_and_tiles() { return has_vnni() && has_tiles(); }

constexpr Compiled kCompiled[] = {
#if HWY_TARGETS & HWY_AVX3
    {HWY_AVX3, &N_AVX3::kTileKernels, has_vnni_and_tiles},
    {HWY_AVX3, &N_AVX3::kBf16Kernels, has_vnni_and_bf16},
    {HWY_AVX3, &N_AVX3::kVnniKernels, has_vnni},
    {HWY_AVX3, &N_AVX3::kKernels},
#endif
#if HWY_TARGETS & HWY_AVX2
    {HWY_AVX2, &N_AVX2::kKernels},
#endif
#if (HWY_TARGETS & HWY_SSE4) && HWY_STATIC_TARGET != HWY_SSE4
    {HWY_SSE4, &N_SSE4::kKernels},
#endif
#if HWY_STATIC_TARGET != HWY_AVX3 && HWY_STATIC_TARGET != HWY_AVX2
    {HWY_STATIC_TARGET, &HWY_STATIC_DISPATCH(kKernels)},
#endif
};

}  // namespace

const std::vector<const Kernels*>& available_kernels() {
  static const std::vector<const Kernels*> available = [] {
    const std::int64_t supported = hwy::SupportedTargets() | HWY_STATIC_TARGET;
    std::vector<const Kernels*> result;
    for (const Compiled& entry : kCompiled)
      if ((supported & entry.target) && (!entry.has_more || entry.has_more())) result.push_back(entry.kernels);
    return result;
  }();
  return available;
}

}  // namespace safelight::cpu
#endif
