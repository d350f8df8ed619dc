// Small files for tests.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "safelight/cast.h"
#include "safelight/safetensors.h"

namespace safelight::test {

// Floats, stored as `dtype`.
inline Tensor numbers(const std::vector<float>& values, Shape shape, DType dtype = DType::F32) {
  return cast(Tensor::from(values, std::move(shape)), dtype);
}
inline Tensor numbers(const std::vector<float>& values, DType dtype = DType::F32) {
  return numbers(values, {static_cast<std::int64_t>(values.size())}, dtype);
}

template <class Value>
Tensor raw(DType dtype, const std::vector<Value>& values) {
  Tensor t = Tensor::allocate(dtype, {static_cast<std::int64_t>(values.size())});
  std::memcpy(t.mutable_data(), values.data(), values.size() * sizeof(Value));
  return t;
}

inline std::vector<float> floats_of(const Tensor& t) {
  const Tensor wide = to_f32(t);
  return {wide.floats().begin(), wide.floats().end()};
}

}  // namespace safelight::test
