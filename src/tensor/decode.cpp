#include "tensor/decode.h"

#include <cassert>
#include <cstring>

#include "tensor/cast_kernels.h"

namespace safelight {
namespace {

template <class Stored>
void decode_integers(const std::byte* from, std::int64_t count, double* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, from + static_cast<std::size_t>(i) * sizeof value, sizeof value);
    to[i] = static_cast<double>(value);
  }
}

using Decoder = void (*)(const std::byte* from, std::int64_t count, double* to);

Decoder integer_decoder(DType dtype) noexcept {
  switch (dtype) {
    case DType::BOOL:
      return [](const std::byte* from, std::int64_t count, double* to) {
        for (std::int64_t i = 0; i < count; ++i) to[i] = from[i] == std::byte{0} ? 0 : 1;
      };
    case DType::U8:
      return decode_integers<std::uint8_t>;
    case DType::I8:
      return decode_integers<std::int8_t>;
    case DType::U16:
      return decode_integers<std::uint16_t>;
    case DType::I16:
      return decode_integers<std::int16_t>;
    case DType::U32:
      return decode_integers<std::uint32_t>;
    case DType::I32:
      return decode_integers<std::int32_t>;
    case DType::U64:
      return decode_integers<std::uint64_t>;
    case DType::I64:
      return decode_integers<std::int64_t>;
    default:
      return nullptr;
  }
}

}  // namespace

bool has_numbers(DType dtype) noexcept { return can_cast(dtype) || integer_decoder(dtype) != nullptr; }

void decode(DType dtype, const std::byte* from, std::int64_t count, double* to) {
  if (can_cast(dtype)) {
    cast_kernel(dtype, DType::F64)(from, count, reinterpret_cast<std::byte*>(to));
    return;
  }
  const Decoder decoder = integer_decoder(dtype);
  assert(decoder);
  decoder(from, count, to);
}

}  // namespace safelight
