// What the ops of the CPU backend share: kernels, threads, recycled memory.
#pragma once

#include <hwy/cache_control.h>

#include <cstdint>
#include <optional>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/planner.h"
#include "backends/cpu/rounding.h"
#include "core/buffer_pool.h"
#include "core/thread_pool.h"
#include "safelight/context.h"
#include "safelight/tensor.h"

namespace safelight::cpu {

class Engine {
 public:
  Engine(const Context& context, const Kernels& chosen);

  const Kernels& kernels;

  int threads() const noexcept { return threads_.size(); }

  // Calls body(way) with one of several ways to cut a loop; see Planner::run().
  template <class Body>
  void choose_way(const PlanKey& key, int ways, Body&& body) {
    imagined_ ? planner_.rehearse(ways, body) : planner_.run(key, ways, body);
  }

  // An F32 tensor from the pool, uninitialised. It may outlive the engine.
  Tensor empty(Shape shape);

  // Gives memory that is not in use back to the system, but for what work that takes `keep` bytes will fill.
  void trim(std::size_t keep) noexcept { memory_.trim(keep); }
  std::size_t peak_bytes() const { return memory_.peak_bytes(); }

  // In between, tensors have no bytes and loops no effect, so that whatever an op takes besides its result is counted
  // by the code that will take it. The end says how much that was. Blocks of before are not counted.
  void begin_rehearsal();
  std::size_t end_rehearsal();

  // Of both loops: what a task stores past the caches, other threads see when it is over.

  // Calls body(task) once for every task, on all threads. Throws Error(cancelled) if the context's token is set.
  template <class Body>
  void for_each(std::int64_t tasks, Body&& body) {
    if (imagined_) return;
    threads_.parallel_for(tasks, [&](std::int64_t task, int) {
      body(task);
      hwy::FlushStream();
    });
  }

  // Calls body(task, scratch): `floats` of them, aligned to 64, for this task alone.
  template <class Body>
  void for_each_with_scratch(std::int64_t tasks, std::int64_t floats, Body&& body) {
    const std::int64_t stride = round_up(floats, 16);
    Tensor scratch = empty({threads_.size(), stride});
    if (imagined_) return;
    float* first = scratch.mutable_floats().data();
    threads_.parallel_for(tasks, [&](std::int64_t task, int worker) {
      body(task, first + worker * stride);
      hwy::FlushStream();
    });
  }

 private:
  ThreadPool threads_;
  BufferPool memory_;
  Planner planner_;
  std::optional<BufferPool> imagined_;  // during a rehearsal
};

}  // namespace safelight::cpu
