// A tensor that is not there yet: what it will be, and how to get its bytes. What streams from one file to another
// without ever holding all of it.
#pragma once

#include <functional>
#include <string>

#include "safelight/tensor.h"

namespace safelight {

// `make` returns a tensor of exactly this dtype and shape. Whoever consumes a list of these calls each `make` once,
// from any thread and possibly several at a time (different tensors'), drops the result when its bytes are used, and
// lets its exceptions through. It must keep alive what it reads from.
struct PendingTensor {
  std::string name;
  DType dtype = DType::F32;
  Shape shape{};
  std::function<Tensor()> make{};
};

}  // namespace safelight
