#include "arithmetic/code_counts.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "arithmetic/summary.h"
#include "tensor/decode.h"

namespace safelight {
namespace {

template <class Code>
void count(const std::byte* codes, std::int64_t count, std::uint32_t* even, std::uint32_t* odd) {
  constexpr std::int64_t kRun = 8;
  Code run[kRun];
  std::int64_t i = 0;
  for (; i + kRun <= count; i += kRun) {
    std::memcpy(run, codes + static_cast<std::size_t>(i) * sizeof(Code), sizeof run);
    for (std::int64_t k = 0; k < kRun; k += 2) {
      ++even[run[k]];
      ++odd[run[k + 1]];
    }
  }
  for (; i < count; ++i) {
    std::memcpy(run, codes + static_cast<std::size_t>(i) * sizeof(Code), sizeof(Code));
    ++even[run[0]];
  }
}

// The number that each code means.
std::vector<double> values_of(DType dtype) {
  const std::size_t codes = codes_of(dtype);
  std::vector<std::uint8_t> bytes;
  for (std::size_t code = 0; code < codes; ++code) {
    bytes.push_back(static_cast<std::uint8_t>(code));
    if (codes > 256) bytes.push_back(static_cast<std::uint8_t>(code >> 8));
  }
  std::vector<double> values(codes);
  decode(dtype, reinterpret_cast<const std::byte*>(bytes.data()), static_cast<std::int64_t>(codes), values.data());
  return values;
}

}  // namespace

std::size_t codes_of(DType dtype) noexcept {
  if (!has_numbers(dtype)) return 0;
  return bits(dtype) == 8 ? 256 : bits(dtype) == 16 ? 65536 : 0;
}

void CodeCounts::add(DType dtype, const std::byte* codes, std::int64_t elements) {
  even_.resize(codes_of(dtype));
  odd_.resize(codes_of(dtype));
  if (bits(dtype) == 8)
    count<std::uint8_t>(codes, elements, even_.data(), odd_.data());
  else
    count<std::uint16_t>(codes, elements, even_.data(), odd_.data());
}

void CodeCounts::take(std::span<std::int64_t> totals) {
  for (std::size_t code = 0; code < even_.size(); ++code)
    totals[code] += static_cast<std::int64_t>(even_[code]) + static_cast<std::int64_t>(odd_[code]);
  even_.clear();
  odd_.clear();
}

void summarise_codes(DType dtype, std::span<const std::int64_t> counts, Statistics& result) {
  const std::vector<double> values = values_of(dtype);
  Summary summary{.min = std::numeric_limits<double>::infinity(), .max = -std::numeric_limits<double>::infinity()};
  double sum = 0;
  for (std::size_t code = 0; code < counts.size(); ++code) {
    const double value = values[code];
    if (counts[code] == 0) continue;
    if (std::isnan(value)) {
      result.nans += counts[code];
    } else if (std::isinf(value)) {
      result.infinities += counts[code];
    } else {
      summary.count += counts[code];
      summary.zeros += value == 0 ? counts[code] : 0;
      summary.min = std::min(summary.min, value);
      summary.max = std::max(summary.max, value);
      sum += value * static_cast<double>(counts[code]);
    }
  }
  if (summary.count == 0) return;
  summary.mean = sum / static_cast<double>(summary.count);
  for (std::size_t code = 0; code < counts.size(); ++code) {
    const double distance = values[code] - summary.mean;
    if (counts[code] > 0 && std::isfinite(distance))
      summary.squares += distance * distance * static_cast<double>(counts[code]);
  }
  finish(summary, result);
  const Binning binning = binning_of(result);
  for (std::size_t code = 0; code < counts.size(); ++code)
    if (counts[code] > 0 && std::isfinite(values[code]))
      result.histogram[bin_of(binning, values[code])] += counts[code];
}

}  // namespace safelight
