#include "backends/cpu/engine.h"

#include <fmt/format.h>

namespace safelight::cpu {

Engine::Engine(const Context& context, const Kernels& chosen)
    : kernels(chosen),
      threads_(context.threads, context.cancel),
      planner_(fmt::format("{}, {}, {} threads", processor_name(), chosen.name, threads_.size()), context.measures) {}

Tensor Engine::empty(Shape shape) {
  const std::size_t bytes = static_cast<std::size_t>(elements(shape)) * sizeof(float);
  return {DType::F32, std::move(shape), memory_.take(bytes)};
}

}  // namespace safelight::cpu
