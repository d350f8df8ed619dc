// Any bytes are either refused with an Error or give an array that lies inside them.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "format/foreign/npy.h"
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
    require(foreign::npy_pickle_offset(bytes) <= size);
    for (const PendingTensor& tensor : foreign::read_npy({bytes, nullptr}).tensors)
      require(tensor.make().shape() == tensor.shape);
  } catch (const Error& e) {
    require(std::strchr(e.what(), '\n') == nullptr);
  }
  return 0;
}
