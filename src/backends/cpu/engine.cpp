#include "backends/cpu/engine.h"

namespace safelight::cpu {

Tensor Engine::empty(Shape shape) {
  const std::size_t bytes = static_cast<std::size_t>(elements(shape)) * sizeof(float);
  return {DType::F32, std::move(shape), (imagined_ ? *imagined_ : memory_).take(bytes)};
}

void Engine::keep_spare(bool keep) {
  keep_spare_ = keep;
  memory_.keep_spare(keep);
}

void Engine::begin_rehearsal() {
  imagined_.emplace(BufferPool::Blocks::imagined);
  imagined_->keep_spare(keep_spare_);
}

std::size_t Engine::end_rehearsal() {
  const std::size_t peak = imagined_->peak_bytes();
  imagined_.reset();
  return peak;
}

}  // namespace safelight::cpu
