#include "backends/cpu/engine.h"

#include <fmt/format.h>

namespace safelight::cpu {

Engine::Engine(const Context& context, const Kernels& chosen)
    : kernels(chosen),
      threads_(context.threads, context.cancel),
      planner_(fmt::format("{}, {}, {} threads", processor_name(), chosen.name, threads_.size()), context.measures) {}

Tensor Engine::empty(Shape shape) {
  const std::size_t bytes = static_cast<std::size_t>(elements(shape)) * sizeof(float);
  return {DType::F32, std::move(shape), (imagined_ ? *imagined_ : memory_).take(bytes)};
}

void Engine::begin_rehearsal() { imagined_.emplace(BufferPool::Blocks::imagined); }

std::size_t Engine::end_rehearsal() {
  const std::size_t peak = imagined_->peak_bytes();
  imagined_.reset();
  return peak;
}

}  // namespace safelight::cpu
