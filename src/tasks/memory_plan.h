// How a picture is made in the memory there is, and what each phase of it will take: known before any of it is done.
#pragma once

#include <cstdint>
#include <limits>

#include "models/vae_tiling.h"
#include "tasks/model_state.h"

namespace safelight {

// What one phase has in memory at one time, and the work it is.
struct PhasePlan {
  bool keep_spare = true;     // see Backend::keep_spare
  std::uint64_t weights = 0;  // bytes of the model's file that it reads
  std::uint64_t pool = 0;     // bytes that the backend takes for tensors and scratch
  std::uint64_t besides = 0;  // bytes from the C library: latents, the picture, what it keeps of what was freed
  Work work;                  // of encoding the texts, of one step, of decoding one picture

  std::uint64_t activations() const noexcept { return pool + besides; }
};

// Whether the UNet sees both texts of a guided step at once, which is faster, or one after the other, which takes half
// the memory. The results differ by rounding.
enum class Passes { together, in_turn };

struct MemoryPlan {
  std::uint64_t program = 0;  // bytes that are there in every phase: the program, its libraries, tables
  PhasePlan text, step, decode;
  Passes passes = Passes::together;  // of the UNet in a step
  VaeTiles tiles;                    // of the decoding
  double shallow = 1;                // work of a step that reuses deep features, as a part of a full one's

  // Resident bytes of a phase, and of the whole.
  std::uint64_t peak(const PhasePlan& phase) const noexcept { return program + phase.weights + phase.activations(); }
  std::uint64_t peak() const noexcept;
  const PhasePlan& largest() const noexcept;
  std::int64_t decode_tiles(const Shape& latents) const;
};

struct MemoryDemand {
  Shape latents;                             // [1, h, w, channels]
  bool guided = true, always_guided = true;  // some steps; all
  bool cached = false;                       // deep features are kept from one step for the next
  std::uint64_t allowed = 0;  // for all that is resident, the model's mapped weights included; 0: no such limit
  // What the system has for all that is not in the model's file, as available_memory() says.
  std::uint64_t available = std::numeric_limits<std::uint64_t>::max();
};

// The fastest way that fits both what is allowed and what the system has. (For the latter, pages of the model's file do
// not count: they give way.) What is tried in turn, in every phase for itself: to keep no spare memory, at the same
// results and nearly the same speed; to let the UNet see one text at a time; to decode in ever smaller tiles. The
// numbers come from rehearsals, that is from the code and the pool that will do the work.
// Throws Error(limit) that says what would be needed at least if nothing fits.
MemoryPlan plan_memory(Model::State& model, const MemoryDemand& demand);

}  // namespace safelight
