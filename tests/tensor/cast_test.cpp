// Casts against torch's, bit for bit, on every instruction set (tests/golden/cast.py).
#include "safelight/cast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/sha256.h"
#include "support/expect_error.h"
#include "support/instruction_sets.h"

namespace safelight::test {
namespace {

constexpr std::array kTypes{DType::F64, DType::F32, DType::F16, DType::BF16, DType::F8_E4M3, DType::F8_E5M2};

Tensor bit_patterns(DType dtype, const std::vector<std::uint64_t>& patterns) {
  const auto bytes = static_cast<std::size_t>(bits(dtype) / 8);
  Tensor t = Tensor::allocate(dtype, {static_cast<std::int64_t>(patterns.size())});
  for (std::size_t i = 0; i < patterns.size(); ++i) std::memcpy(t.mutable_data() + i * bytes, &patterns[i], bytes);
  return t;
}

// As mantissas() in cast.py.
std::set<std::uint64_t> mantissas(int bits) {
  std::set<std::uint64_t> centres{0, (std::uint64_t{1} << bits) - 1}, result;
  for (int a = 0; a < bits; ++a)
    for (int b = 0; b < bits; ++b) centres.insert((std::uint64_t{1} << a) | (std::uint64_t{1} << b));
  for (const std::uint64_t c : centres)
    for (const std::uint64_t d : {c - 1, c, c + 1}) result.insert(d & ((std::uint64_t{1} << bits) - 1));
  return result;
}

std::vector<std::uint64_t> wide_patterns(int exponent_bits, int mantissa_bits,
                                         const std::vector<std::uint64_t>& exponents) {
  std::vector<std::uint64_t> patterns;
  for (const std::uint64_t sign : {0, 1})
    for (const std::uint64_t exponent : exponents)
      for (const std::uint64_t mantissa : mantissas(mantissa_bits))
        patterns.push_back(((sign << exponent_bits) | exponent) << mantissa_bits | mantissa);
  for (std::uint64_t i = 1; i <= 200'000; ++i) {
    std::uint64_t z = i * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    patterns.push_back((z ^ (z >> 31)) >> (63 - exponent_bits - mantissa_bits));
  }
  return patterns;
}

Tensor inputs(DType dtype) {
  std::vector<std::uint64_t> numbers;  // exponents or patterns
  if (dtype == DType::F64) {
    numbers = {0, 1, 2};
    for (std::uint64_t e = 860; e < 1160; ++e) numbers.push_back(e);
    numbers.insert(numbers.end(), {1500, 2045, 2046, 2047});
    return bit_patterns(dtype, wide_patterns(11, 52, numbers));
  }
  const std::uint64_t count = dtype == DType::F32 ? 256 : std::uint64_t{1} << bits(dtype);
  for (std::uint64_t i = 0; i < count; ++i) numbers.push_back(i);
  return bit_patterns(dtype, dtype == DType::F32 ? wide_patterns(8, 23, numbers) : numbers);
}

std::string hash(const Tensor& t) {
  Sha256 sha;
  sha.update({t.data(), t.bytes()});
  return sha.hex();
}

// {"F16", "BF16"} -> hash of the table; the second is "-" for the inputs.
std::map<std::pair<std::string, std::string>, std::string> goldens() {
  std::ifstream file(SAFELIGHT_SOURCE_DIR "/tests/data/tensor/cast.txt");
  std::map<std::pair<std::string, std::string>, std::string> result;
  std::string from, to, sum;
  while (file >> from >> to >> sum) result[{from, to}] = sum;
  return result;
}

TEST(Cast, EveryPairAsTorchOnEveryInstructionSet) {
  const auto expected = goldens();
  ASSERT_EQ(expected.size(), kTypes.size() * (kTypes.size() + 1));
  for (const DType from : kTypes) {
    const Tensor in = inputs(from);
    const std::string from_name(name(from));
    ASSERT_EQ(hash(in), expected.at({from_name, "-"})) << from_name << ": the inputs differ from the script's";
    for_each_instruction_set([&](const std::string& set) {
      for (const DType to : kTypes)
        EXPECT_EQ(hash(cast(in, to)), expected.at({from_name, std::string(name(to))}))
            << from_name << " to " << name(to) << " on " << set;
    });
  }
}

double largest(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return 0x1.FFFFFEp127;
    case DType::F16:
      return 65504;
    case DType::BF16:
      return 0x1.FEp127;
    case DType::F8_E4M3:
      return 448;
    case DType::F8_E5M2:
      return 57344;
    default:
      return 0x1.FFFFFFFFFFFFFp1023;
  }
}

std::vector<double> as_doubles(const Tensor& t) {
  const Tensor wide = cast(t, DType::F64);
  std::vector<double> values(static_cast<std::size_t>(t.elements()));
  std::memcpy(values.data(), wide.data(), wide.bytes());
  return values;
}

// Counted one by one from the values before and after. F8_E4M3 saturates: there a value is lost if it is further from
// 448 than half a step of 32.
CastLosses losses_by_hand(const Tensor& before, const Tensor& after) {
  const std::vector<double> a = as_doubles(before), b = as_doubles(after);
  CastLosses lost;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool saturated = after.dtype() == DType::F8_E4M3 && before.dtype() != DType::F8_E4M3 &&
                           static_cast<float>(std::fabs(a[i])) > largest(DType::F8_E4M3) + 16;
    if ((std::isfinite(a[i]) && std::isinf(b[i])) || saturated) ++lost.overflowed;
    if (a[i] != 0 && b[i] == 0) ++lost.vanished;
  }
  return lost;
}

TEST(Cast, CountsWhatIsLost) {
  for (const DType from : kTypes) {
    const Tensor in = inputs(from);
    for (const DType to : kTypes) {
      const CastLosses expected = losses_by_hand(in, cast(in, to));
      for_each_instruction_set([&](const std::string& set) {
        CastLosses lost;
        cast(in, to, &lost);
        EXPECT_EQ(lost.overflowed, expected.overflowed) << name(from) << " to " << name(to) << " on " << set;
        EXPECT_EQ(lost.vanished, expected.vanished) << name(from) << " to " << name(to) << " on " << set;
      });
    }
  }
}

TEST(Cast, AnyLengthAtAnyAddress) {
  std::vector<std::uint64_t> patterns;
  for (std::uint64_t i = 0; i < 70; ++i) patterns.push_back(i * 0x0123456789ABCDEFu);
  for_each_instruction_set([&](const std::string& set) {
    for (const DType from : kTypes)
      for (const DType to : kTypes) {
        const Tensor in = bit_patterns(from, patterns), whole = cast(in, to);
        const auto in_size = static_cast<std::size_t>(bits(from) / 8),
                   out_size = static_cast<std::size_t>(bits(to) / 8);
        for (std::int64_t count = 0; count < 70; ++count) {
          std::vector<std::byte> shifted(1 + static_cast<std::size_t>(count) * in_size);
          std::memcpy(shifted.data() + 1, in.data(), static_cast<std::size_t>(count) * in_size);
          const Tensor odd(from, {count},
                           std::shared_ptr<const std::byte>(std::shared_ptr<void>(), shifted.data() + 1));
          const Tensor out = cast(odd, to);
          ASSERT_EQ(std::memcmp(out.data(), whole.data(), static_cast<std::size_t>(count) * out_size), 0)
              << count << " values, " << name(from) << " to " << name(to) << " on " << set;
        }
      }
  });
}

TEST(Cast, TheSameTypeSharesTheBytes) {
  const Tensor t = Tensor::from(std::vector<float>{1, 2}, {2});
  EXPECT_EQ(cast(t, DType::F32).data(), t.data());
}

TEST(Cast, OnlyFloatingTypes) {
  const Tensor t = Tensor::allocate(DType::I32, {2}), f = Tensor::from(std::vector<float>{1}, {1});
  EXPECT_ERROR(cast(t, DType::F16), usage, "found I32");
  EXPECT_ERROR(cast(f, DType::F8_E8M0), usage, "found F8_E8M0");
}

}  // namespace
}  // namespace safelight::test
