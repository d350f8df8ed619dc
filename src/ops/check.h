// Shared words of the ops' argument checks.
#pragma once

#include <string_view>

#include "core/fail.h"
#include "safelight/tensor.h"

namespace safelight {

// Throws Error(model): "[op] what has shape [..], expected [..]" unless they are equal.
inline void expect_shape(std::string_view op, std::string_view what, const Tensor& t, const Shape& expected) {
  if (t.empty()) fail(ErrorCategory::model, "[{}] {} is missing, expected shape {}", op, what, to_string(expected));
  if (t.shape() != expected)
    fail(ErrorCategory::model, "[{}] {} has shape {}, expected {}", op, what, to_string(t.shape()),
         to_string(expected));
}

// The same for an activation that an op adds: it must be F32, too.
inline void expect_addend(std::string_view op, std::string_view what, const Tensor& t, const Shape& expected) {
  expect_shape(op, what, t, expected);
  if (t.dtype() != DType::F32) fail(ErrorCategory::model, "[{}] {} is {}, expected F32", op, what, name(t.dtype()));
}

// Throws Error(model) unless both are at least 1: a file may hold a weight without elements.
inline void expect_some_channels(std::string_view op, std::int64_t in, std::int64_t out) {
  if (in < 1 || out < 1) fail(ErrorCategory::model, "[{}] no channels: in {}, out {}", op, in, out);
}

// Throws Error(model) unless t is F32 with `channels` in its last dimension and at least `rank` dimensions.
inline void expect_channels(std::string_view op, std::string_view what, const Tensor& t, std::int64_t channels,
                            std::size_t rank) {
  if (t.empty() || t.dtype() != DType::F32 || t.rank() < rank || t.shape().back() != channels)
    fail(ErrorCategory::model, "[{}] {} is {} {}, expected F32 of rank {} or more with {} channels last", op, what,
         name(t.dtype()), to_string(t.shape()), rank, channels);
}

}  // namespace safelight
