#include "apps/cli/npy_file.h"

#include <fmt/format.h>

#include <string>

#include "core/atomic_file.h"
#include "core/fail.h"

namespace safelight::cli {
namespace {

const char* numpy_type(DType dtype) {
  switch (dtype) {
    case DType::BOOL:
      return "|b1";
    case DType::U8:
      return "|u1";
    case DType::I8:
      return "|i1";
    case DType::U16:
      return "<u2";
    case DType::I16:
      return "<i2";
    case DType::U32:
      return "<u4";
    case DType::I32:
      return "<i4";
    case DType::U64:
      return "<u8";
    case DType::I64:
      return "<i8";
    case DType::F16:
      return "<f2";
    case DType::F32:
      return "<f4";
    case DType::F64:
      return "<f8";
    case DType::C64:
      return "<c8";
    default:
      fail(ErrorCategory::usage, "[npy] NumPy has no type {}; write a .safetensors file with -o", name(dtype));
  }
}

// "(2, 3)", "(5,)", "()".
std::string tuple(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  constexpr std::size_t kBefore = 10, kAlignment = 64;  // of the values in the file
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", numpy_type(tensor.dtype()),
                                 tuple(tensor.shape()));
  text.resize((kBefore + text.size() + kAlignment) / kAlignment * kAlignment - kBefore - 1, ' ');
  text += '\n';
  if (text.size() > 0xFFFF) fail(ErrorCategory::limit, "[npy] {} dimensions are too many", tensor.rank());
  std::string begin = "\x93NUMPY";
  begin += {'\1', '\0', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  AtomicFile file(path);
  begin += text;
  file.write(std::as_bytes(std::span(begin)));
  file.write({tensor.data(), tensor.bytes()});
  file.commit();
}

}  // namespace safelight::cli
