#include <cstring>

#include "core/fail.h"
#include "safelight/tensor.h"
#include "tensor/half.h"

namespace safelight {
namespace {

template <class Stored, class Widen>
void convert(const Tensor& from, std::span<float> to, Widen widen) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    Stored value;
    std::memcpy(&value, from.data() + i * sizeof value, sizeof value);  // the file's bytes may be unaligned
    to[i] = widen(value);
  }
}

}  // namespace

Tensor to_f32(const Tensor& t) {
  Tensor result = Tensor::allocate(DType::F32, t.shape());
  const std::span<float> out = result.mutable_floats();
  const auto rounded = [](auto v) { return static_cast<float>(v); };
  switch (t.dtype()) {
    case DType::F16:
      convert<std::uint16_t>(t, out, f16_to_f32);
      break;
    case DType::BF16:
      convert<std::uint16_t>(t, out, bf16_to_f32);
      break;
    case DType::F8_E4M3:
      convert<std::uint8_t>(t, out, f8_e4m3_to_f32);
      break;
    case DType::F8_E5M2:
      convert<std::uint8_t>(t, out, f8_e5m2_to_f32);
      break;
    case DType::F32:
      std::memcpy(out.data(), t.data(), out.size_bytes());
      break;
    case DType::F64:
      convert<double>(t, out, rounded);
      break;
    case DType::BOOL:
      convert<std::uint8_t>(t, out, [](std::uint8_t v) { return v ? 1.0f : 0.0f; });
      break;
    case DType::U8:
      convert<std::uint8_t>(t, out, rounded);
      break;
    case DType::I8:
      convert<std::int8_t>(t, out, rounded);
      break;
    case DType::U16:
      convert<std::uint16_t>(t, out, rounded);
      break;
    case DType::I16:
      convert<std::int16_t>(t, out, rounded);
      break;
    case DType::U32:
      convert<std::uint32_t>(t, out, rounded);
      break;
    case DType::I32:
      convert<std::int32_t>(t, out, rounded);
      break;
    case DType::U64:
      convert<std::uint64_t>(t, out, rounded);
      break;
    case DType::I64:
      convert<std::int64_t>(t, out, rounded);
      break;
    default:
      fail(ErrorCategory::format, "[tensor] cannot convert {} to F32: no single number per element", name(t.dtype()));
  }
  return result;
}

}  // namespace safelight
