// How pictures are made in the memory there is, and what each phase of it will take: known before any of it is done.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "models/vae_tiling.h"
#include "tasks/model_state.h"

namespace safelight {

// What one phase has in memory at one time, and the work it is.
struct PhasePlan {
  std::uint64_t weights = 0;  // bytes of the model's file that it reads
  std::uint64_t pool = 0;     // bytes that the backend takes for tensors and scratch
  std::uint64_t besides = 0;  // bytes from the C library: latents, the picture, what it keeps of what was freed
  Work work;                  // of encoding the texts or a picture, of one step of a batch, of decoding one picture

  std::uint64_t activations() const noexcept { return pool + besides; }
};

// Whether the UNet gives all answers of a guided step (diffusion/guidance.h) at once, which is faster, or one after the
// other, which takes a half or a third of the memory. The results differ by rounding.
enum class Answers { together, in_turn };

// Of one pass.
struct PassMemory {
  bool encodes = false, decodes = true;  // whether these phases are there
  PhasePlan encode, step, decode;
  VaeTiles encode_tiles, decode_tiles;
  double shallow = 1;  // work of a step that reuses deep features, as a part of a full one's
};

struct MemoryPlan {
  std::uint64_t program = 0;  // bytes that are there in every phase: the program, its libraries, the pictures given
  PhasePlan text;
  std::int64_t batch = 1;  // pictures that go through the UNet together
  Answers answers = Answers::together;
  std::vector<PassMemory> passes;

  // Resident bytes of a phase, and of the whole.
  std::uint64_t peak(const PhasePlan& phase) const noexcept { return program + phase.weights + phase.activations(); }
  std::uint64_t peak() const noexcept;
};

// Into how many tiles latents are divided.
std::int64_t count_tiles(const Shape& latents, const VaeTiles& tiles);

struct PassDemand {
  Shape latents;         // [1, h, w, channels]
  bool encodes = false;  // a picture is encoded before it
  bool decodes = true;   // the pictures are decoded after it
};

struct MemoryDemand {
  std::vector<PassDemand> passes;
  bool guided = true, always_guided = true;  // some steps; all
  std::int64_t answers = 2;                  // of the UNet in a guided step, for each picture
  bool negative_is_blank = false;            // so it is neither encoded nor read, as a rule: see text_rows.h
  std::int64_t other_channels = 0;           // that the UNet sees besides noisy latents
  bool cached = false;                       // deep features are kept from one step for the next
  std::int64_t batch = 1;                    // pictures together at most
  std::uint64_t allowed = 0;  // for all that is resident, the model's mapped weights included; 0: no such limit
  // What the system has for all that is not in the model's file, as available_memory() says.
  std::uint64_t available = std::numeric_limits<std::uint64_t>::max();
};

// The fastest way that fits both what is allowed and what the system has. (For the latter, pages of the model's file do
// not count: they give way.) What is tried in turn: to let fewer pictures go together; to let the UNet give one answer
// at a time; to encode and decode in ever smaller tiles. The numbers come from rehearsals, that is from the code and
// the pool that will do the work. Throws Error(limit) that says what would be needed at least if nothing fits.
MemoryPlan plan_memory(Model::State& model, const MemoryDemand& demand);

}  // namespace safelight
