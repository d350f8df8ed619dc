// GGUF files as lists of tensors: block types become floats when they are made.
#include "core/fail.h"
#include "format/foreign/gguf.h"
#include "format/foreign/readers.h"
#include "safelight/cast.h"

namespace safelight::foreign {
namespace {

Tensor borrow(const GgufTensor& tensor, const std::shared_ptr<const void>& owner) {
  if (tensor.bytes.empty()) return Tensor::allocate(*tensor.type->plain, tensor.shape);
  return {*tensor.type->plain, tensor.shape, std::shared_ptr<const std::byte>(owner, tensor.bytes.data())};
}

Tensor widen(const GgufTensor& tensor, DType to) {
  Tensor floats = Tensor::allocate(DType::F32, tensor.shape);
  dequantise(*tensor.type, tensor.bytes, floats.mutable_floats());
  return cast(floats, to);
}

}  // namespace

ImportedFile read_gguf(const FileBytes& file, const ImportOptions& options) {
  if (options.dequantised != DType::F32 && options.dequantised != DType::F16)
    fail(ErrorCategory::usage, "[gguf] quantised tensors can become F32 or F16, not {}", name(options.dequantised));
  GgufFile gguf = parse_gguf(file.bytes);
  ImportedFile result;
  result.description = fmt::format("GGUF version {}", gguf.version);
  result.metadata = std::move(gguf.metadata);
  if (!gguf.not_kept.empty())
    result.notes.push_back(
        fmt::format("{} lists of the metadata, such as a tokenizer's words, are left out", gguf.not_kept.size()));
  std::size_t quantised = 0;
  for (const GgufTensor& tensor : gguf.tensors) {
    PendingTensor pending{.name = std::string(tensor.name), .shape = tensor.shape};
    if (tensor.type->plain) {
      pending.dtype = *tensor.type->plain;
      pending.make = [tensor, owner = file.owner] { return borrow(tensor, owner); };
    } else {
      ++quantised;
      pending.dtype = options.dequantised;
      pending.make = [tensor, owner = file.owner, to = options.dequantised] { return widen(tensor, to); };
    }
    result.tensors.push_back(std::move(pending));
  }
  if (quantised > 0)
    result.notes.push_back(fmt::format("{} quantised tensors became {}", quantised, name(options.dequantised)));
  return result;
}

}  // namespace safelight::foreign
