// A tensor as a pickle describes it: an array, and where its bytes are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "format/foreign/strided.h"

namespace safelight::foreign {

// A part of one of PyTorch's storages.
struct StorageRef {
  std::string_view key;      // the storage's name in the file
  DType dtype = DType::U8;   // of its elements; U8 if it is untyped
  std::uint64_t numel = 0;   // of the whole storage, in its own elements
  std::uint64_t offset = 0;  // where the part begins (very old files have views of storages), in elements
};

struct PickledTensor {
  StridedArray array{};
  bool is_inline = false;  // its bytes are `bytes`; otherwise in `storage`
  StorageRef storage{};
  std::string_view bytes{};  // in the file
  std::string decoded{};     // used instead if not empty: bytes that the pickle held as text
};

}  // namespace safelight::foreign
