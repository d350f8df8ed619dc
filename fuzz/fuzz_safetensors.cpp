// Any bytes are either refused with an Error or give tensors that lie inside them.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "safelight/error.h"
#include "safelight/safetensors.h"

namespace {

using safelight::Mode;
using safelight::SafeTensors;

void require(bool condition) {
  if (!condition) std::abort();
}

std::optional<SafeTensors> try_parse(std::span<const std::byte> bytes, Mode mode) {
  try {
    return SafeTensors::parse(bytes, mode);
  } catch (const safelight::Error& e) {
    require(e.category() == safelight::ErrorCategory::format);
    require(std::strchr(e.what(), '\n') == nullptr);
    return std::nullopt;
  }
}

void touch(const SafeTensors& file, const safelight::TensorInfo& info) {
  require(file.find(info.name) == &info);
  try {
    const safelight::Tensor tensor = file.tensor(info);
    require(tensor.bytes() == info.bytes());
    volatile std::byte sink{};  // the sanitizer reports a read outside the input
    if (tensor.bytes() > 0) {
      sink = tensor.data()[0];
      sink = tensor.data()[tensor.bytes() - 1];
    }
    static_cast<void>(sink);
  } catch (const safelight::Error& e) {  // a dimension beyond 2^63-1, beside a zero
    require(e.category() == safelight::ErrorCategory::limit && info.bytes() == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const std::optional<SafeTensors> strict = try_parse(bytes, Mode::strict);
  const std::optional<SafeTensors> compat = try_parse(bytes, Mode::compat);
  require(!strict || compat);  // strict accepts nothing that the reference rejects
  if (strict) require(strict->tensors().size() == compat->tensors().size());
  if (compat)
    for (const safelight::TensorInfo& info : compat->tensors()) touch(*compat, info);
  return 0;
}
