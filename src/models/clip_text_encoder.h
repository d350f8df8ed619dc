// CLIP's text tower (Radford et al. 2021, "Learning transferable visual models from natural language supervision"), and
// OpenCLIP's (Cherti et al. 2022), as Stable Diffusion conditions on them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "models/loader.h"

namespace safelight {

// What the tensors do not tell.
struct ClipTextSpec {
  Activation activation = Activation::quick_gelu;  // as the tower was trained; OpenCLIP's: gelu
  std::int64_t skipped = 0;                        // this many blocks, the last ones, come after the hidden states
  bool final_norm = true;                          // of the hidden states
  bool pooled = false;                             // wanted besides
};

struct ClipFeatures {
  Tensor hidden;  // F32 [prompts, positions, width]
  Tensor pooled;  // F32 [prompts, pooled width]: at the end token, after all blocks, norm and projection; or empty
};

class ClipTextEncoder {
 public:
  // `w` is the place of a tower, see find_clip(). All sizes come from the shapes. What the spec does not need is not
  // looked at: blocks that come after, the final norm, the projection. Error(model) if the tower has no more blocks
  // than are skipped.
  ClipTextEncoder(const Loader& w, const ClipTextSpec& spec);
  ~ClipTextEncoder();
  ClipTextEncoder(ClipTextEncoder&&) noexcept;
  ClipTextEncoder& operator=(ClipTextEncoder&&) noexcept;

  // ids: `prompts` times positions() token ids, one prompt after the other. The end of a prompt is where its highest id
  // first is: no token's is higher than the end token's. Error(model) on another number of ids, or an id outside the
  // vocabulary.
  ClipFeatures operator()(std::span<const std::int32_t> ids, std::int64_t prompts);

  std::int64_t width() const noexcept;
  std::int64_t pooled_width() const noexcept;  // 0 if not wanted
  std::int64_t positions() const noexcept;     // 77

 private:
  struct Layers;
  std::unique_ptr<Layers> layers_;
};

}  // namespace safelight
