#include "conformance.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <map>
#include <random>
#include <span>

#include "backends/cpu/cpu_backend.h"
#include "backends/cpu/kernels/kernels.h"
#include "backends/reference/reference_backend.h"
#include "safelight/cast.h"

namespace safelight {
namespace {

std::uint16_t to_f16(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (value == 0) return sign;
  int exponent = 0;
  std::frexp(value, &exponent);
  exponent = std::max(exponent - 1, -14);  // subnormals share the smallest normal exponent
  const auto mantissa = static_cast<int>(std::nearbyint(std::ldexp(std::fabs(value), 10 - exponent)));
  return static_cast<std::uint16_t>(sign | (((exponent + 14) << 10) + mantissa));
}

std::uint16_t to_bf16(float value) {
  const auto raw = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((raw + 0x7FFF + ((raw >> 16) & 1)) >> 16);
}

// These take the sanitizers longest, who learn nothing from an address that is aligned.
std::vector<bool> alignments() {
#ifdef SAFELIGHT_SANITIZED
  return {true};
#else
  return {false, true};
#endif
}

// Of sets whose kernels of this precision are the same one is enough.
bool are_alike(const cpu::Kernels& a, const cpu::Kernels& b, Precision precision) {
  if (precision == Precision::int8) return a.int8.multiply == b.int8.multiply;
  return a.product == b.product && a.split_product.multiply == b.split_product.multiply &&
         (precision == Precision::full || a.product_of_pairs == b.product_of_pairs);
}

std::vector<const cpu::Kernels*> kernels_of(Precision precision) {
  std::vector<const cpu::Kernels*> list;
  for (const cpu::Kernels* kernels : cpu::available_kernels()) {
    const bool rounds = kernels->split_product.multiply || kernels->product_of_pairs;
    if ((rounds || precision != Precision::bf16) &&
        std::ranges::none_of(list, [&](const cpu::Kernels* other) { return are_alike(*kernels, *other, precision); }))
      list.push_back(kernels);
  }
  return list;
}

std::vector<Variant> variants(const std::vector<DType>& types, const std::vector<bool>& unaligned,
                              Precision precision) {
  std::vector<Variant> list;
  for (const cpu::Kernels* kernels : kernels_of(precision))
    for (const DType type : types)
      for (const bool odd : unaligned) list.push_back({std::string(kernels->name), type, odd, precision});
  return list;
}

}  // namespace

void PrintTo(const Variant& variant, std::ostream* out) {
  *out << variant.instruction_set << '_' << name(variant.weights) << (variant.unaligned ? "_unaligned" : "")
       << (variant.precision == Precision::bf16 ? "_in_bf16" : "");
}

std::string variant_name(const testing::TestParamInfo<Variant>& info) { return testing::PrintToString(info.param); }

std::vector<Variant> all_variants(Precision precision) {
  return variants({DType::F32, DType::F16, DType::BF16, DType::F8_E4M3, DType::F8_E5M2}, alignments(), precision);
}

std::vector<Variant> all_variants_and_scaled(Precision precision) {
  return variants({DType::F32, DType::F16, DType::BF16, DType::F8_E4M3, DType::F8_E5M2, DType::I8}, alignments(),
                  precision);
}

std::vector<Variant> instruction_sets(Precision precision) { return variants({DType::F16}, {false}, precision); }

std::vector<Variant> and_in_bf16(VariantsOf list) {
  std::vector<Variant> both = list(Precision::full);
  std::ranges::copy(list(Precision::bf16), std::back_inserter(both));
  return both;
}

Backend& reference_backend() {
  static const std::unique_ptr<Backend> backend = make_reference_backend({});
  return *backend;
}

Backend& cpu_backend(std::string_view instruction_set) {
  static std::map<std::string, std::unique_ptr<Backend>, std::less<>> backends;
  std::unique_ptr<Backend>& backend = backends[std::string(instruction_set)];
  if (!backend) backend = make_cpu_backend({.threads = 2}, instruction_set);
  return *backend;
}

Tensor random_tensor(Shape shape, unsigned seed, float mean, float deviation) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(mean, deviation);
  for (float& v : t.mutable_floats()) v = distribution(generator);
  return t;
}

Tensor rounded_to_bf16(const Tensor& f32) {
  Tensor result = Tensor::allocate(DType::F32, f32.shape());
  std::ranges::transform(f32.floats(), result.mutable_floats().begin(), [](float value) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(to_bf16(value)) << 16);
  });
  return result;
}

Tensor Conformance::input(Shape shape, unsigned seed, float mean, float deviation) const {
  const Tensor values = random_tensor(std::move(shape), seed, mean, deviation);
  return GetParam().precision == Precision::bf16 ? rounded_to_bf16(values) : values;
}

Tensor Conformance::weight(Shape shape, unsigned seed, std::int64_t fan_in) const {
  const DType type = GetParam().weights == DType::I8 ? DType::F32 : GetParam().weights;
  return stored(input(std::move(shape), seed, 0, 1 / std::sqrt(static_cast<float>(fan_in))), type,
                GetParam().unaligned);
}

Weight Conformance::scaled_weight(Shape shape, unsigned seed, std::int64_t fan_in) const {
  return stored_weight(input(std::move(shape), seed, 0, 1 / std::sqrt(static_cast<float>(fan_in))), GetParam().weights,
                       GetParam().unaligned);
}

Weight stored_weight(const Tensor& f32, DType type, bool unaligned) {
  if (type != DType::I8) return stored(f32, type, unaligned);
  Tensor scales = Tensor::allocate(DType::F32, {f32.dim(0)}), numbers = Tensor::allocate(DType::F32, f32.shape());
  const std::size_t each = f32.floats().size() / scales.floats().size();
  for (std::size_t o = 0; o < scales.floats().size(); ++o) {
    float& scale = scales.mutable_floats()[o] = 0;
    for (const float value : f32.floats().subspan(o * each, each)) scale = std::max(scale, std::fabs(value) / 127);
    for (std::size_t i = o * each; i < (o + 1) * each; ++i)
      numbers.mutable_floats()[i] = scale > 0 ? f32.floats()[i] / scale : 0;
  }
  return {stored(numbers, type, unaligned), scales};
}

Tensor stored(const Tensor& f32, DType type, bool unaligned) {
  const std::size_t bytes = static_cast<std::size_t>(f32.elements()) * static_cast<std::size_t>(bits(type)) / 8;
  // Exactly as long as it must be: the address sanitizer sees a read beyond.
  const std::shared_ptr<std::byte[]> block(new std::byte[bytes + (unaligned ? 1 : 0)]);
  std::byte* to = block.get() + (unaligned ? 1 : 0);
  const bool of_a_byte = bits(type) == 8, whole = type == DType::I8;
  for (std::size_t i = 0; whole && i < bytes; ++i)
    to[i] =
        static_cast<std::byte>(static_cast<std::int8_t>(std::clamp(std::nearbyint(f32.floats()[i]), -128.f, 127.f)));
  if (of_a_byte && !whole) std::memcpy(to, cast(f32, type).data(), bytes);
  for (const float value : f32.floats().subspan(of_a_byte ? f32.floats().size() : 0)) {
    if (type == DType::F32) {
      std::memcpy(to, &value, sizeof value);
    } else {
      const std::uint16_t half = type == DType::F16 ? to_f16(value) : to_bf16(value);
      std::memcpy(to, &half, sizeof half);
    }
    to += bits(type) / 8;
  }
  return {type, f32.shape(), std::shared_ptr<const std::byte>(block, block.get() + (unaligned ? 1 : 0))};
}

void expect_close(const Tensor& actual, const Tensor& expected, float tolerance) {
  ASSERT_EQ(actual.shape(), expected.shape());
  float worst = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < expected.floats().size(); ++i) {
    ASSERT_TRUE(std::isfinite(expected.floats()[i]) && std::isfinite(actual.floats()[i])) << "at element " << i;
    const float difference = std::fabs(actual.floats()[i] - expected.floats()[i]);
    if (difference > worst) worst = difference, where = i;
  }
  EXPECT_LE(worst, tolerance) << "at element " << where << " of " << to_string(expected.shape()) << ": "
                              << actual.floats()[where] << " instead of " << expected.floats()[where];
}

float sum_tolerance(std::int64_t terms) { return 4e-7f * (2 + 0.5f * std::sqrt(static_cast<float>(terms))); }

void expect_same_bits(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  EXPECT_TRUE(
      std::ranges::equal(std::span(actual.data(), actual.bytes()), std::span(expected.data(), expected.bytes())))
      << to_string(expected.shape());
}

}  // namespace safelight
