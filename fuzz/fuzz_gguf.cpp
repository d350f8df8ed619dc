// Any bytes are either refused with an Error or give tensors that lie inside them.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "format/foreign/gguf.h"
#include "format/foreign/readers.h"
#include "safelight/error.h"

namespace {

using namespace safelight;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    for (const foreign::GgufTensor& tensor : foreign::parse_gguf(bytes).tensors) {
      if (tensor.bytes.empty()) continue;
      require(tensor.bytes.data() >= bytes.data());
      require(tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + size);
    }
    for (const DType type : {DType::F32, DType::F16})
      for (const PendingTensor& tensor : foreign::read_gguf({bytes, nullptr}, {.dequantised = type}).tensors)
        require(tensor.make().shape() == tensor.shape);
  } catch (const Error& e) {
    require(std::strchr(e.what(), '\n') == nullptr);
  }
  return 0;
}
