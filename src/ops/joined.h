// What an op reads that can read two tensors as one.
#pragma once

#include <string_view>

#include "safelight/tensor.h"

namespace safelight {

// A tensor; or the channels of `a`, then those of `b`, read where they lie: what Backend::concat would make a copy of.
// F32 [..., ca] and [..., cb]. A view: its tensors must outlive it.
struct Joined {
  Joined(const Tensor& x) : a(x) {}  // NOLINT(google-explicit-constructor): any tensor may stand for itself
  Joined(const Tensor& first, const Tensor& second) : a(first), b(&second) {}

  // Of both together. REQUIRES: they were checked.
  Shape shape() const;
  std::int64_t elements() const noexcept { return a.elements() + (b ? b->elements() : 0); }

  const Tensor& a;
  const Tensor* b = nullptr;
};

// Throws Error(model) unless both are F32 and differ in channels alone.
void expect_joinable(std::string_view op, const Joined& x);

// As expect_channels of a tensor, for both together.
void expect_channels(std::string_view op, std::string_view what, const Joined& x, std::int64_t channels,
                     std::size_t rank);

}  // namespace safelight
