#include "backends/cpu/engine.h"

namespace safelight::cpu {

Tensor Engine::empty(Shape shape) {
  const std::size_t bytes = static_cast<std::size_t>(elements(shape)) * sizeof(float);
  return {DType::F32, std::move(shape), memory_.take(bytes)};
}

}  // namespace safelight::cpu
