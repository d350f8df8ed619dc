// Every op of the CPU backend, on every instruction set and weight type, against the reference backend.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "ops/backend.h"

namespace safelight {

// One way to run an op: which kernels, and how its weights are stored.
struct Variant {
  std::string instruction_set;
  DType weights = DType::F32;
  bool unaligned = false;  // at an odd address, as a file may have them
  Precision precision = Precision::full;
};
void PrintTo(const Variant& variant, std::ostream* out);
std::string variant_name(const testing::TestParamInfo<Variant>& info);

// Every instruction set of this machine whose kernels of that precision are its own, with each weight type, aligned and
// not. In bf16 inputs and weights are numbers of bf16, whose products are exact whoever multiplies them.
std::vector<Variant> all_variants(Precision precision = Precision::full);

// Those, and with whole numbers of 8 bits: for ops whose weights may have scales.
std::vector<Variant> all_variants_and_scaled(Precision precision = Precision::full);

// Every such instruction set, with aligned F16 weights: for ops without weights, and for sizes that take long.
std::vector<Variant> instruction_sets(Precision precision = Precision::full);

// One of these lists in full precision, and in bf16.
using VariantsOf = std::vector<Variant> (*)(Precision);
std::vector<Variant> and_in_bf16(VariantsOf list);

Backend& reference_backend();
Backend& cpu_backend(std::string_view instruction_set);  // with two threads

// Normally distributed values; the same for the same seed.
Tensor random_tensor(Shape shape, unsigned seed, float mean = 0, float deviation = 1);

class Conformance : public testing::TestWithParam<Variant> {
 protected:
  Backend& cpu() const { return cpu_backend(GetParam().instruction_set); }
  Backend& reference() const { return reference_backend(); }

  // Random values as an input for the variant's precision.
  Tensor input(Shape shape, unsigned seed, float mean = 0, float deviation = 1) const;

  // Random values as a weight of the variant's type and alignment. fan_in: the deviation is its inverse square root.
  // Of whole numbers, which have no such values without scales: F32.
  Tensor weight(Shape shape, unsigned seed, std::int64_t fan_in = 1) const;

  // The same; whole numbers have scales.
  Weight scaled_weight(Shape shape, unsigned seed, std::int64_t fan_in = 1) const;
};

// The nearest numbers of bf16, as F32.
Tensor rounded_to_bf16(const Tensor& f32);

// A copy in another type (rounded to nearest even) and at another address.
Tensor stored(const Tensor& f32, DType type, bool unaligned);

// The same as a weight [out, ...]: whole numbers of 8 bits have a scale for each channel, whose largest becomes 127.
Weight stored_weight(const Tensor& f32, DType type, bool unaligned);

// Fails unless every element differs by at most `tolerance`, and both are finite.
void expect_close(const Tensor& actual, const Tensor& expected, float tolerance);

// Fails unless shapes and bytes are equal.
void expect_same_bits(const Tensor& actual, const Tensor& expected);

// What rounding may do to a sum of `terms` products whose result is about 1: errors add up like a random walk.
float sum_tolerance(std::int64_t terms);

}  // namespace safelight
