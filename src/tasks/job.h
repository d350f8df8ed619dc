// What a task asks of the engine (engine.h): everything in which the tasks differ.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/family.h"
#include "safelight/generate.h"
#include "tasks/upscalers.h"

namespace safelight {

struct StableDiffusion;

// One way down the noise levels, at one size.
struct Pass {
  std::int64_t width = 0, height = 0;  // in pixels
  std::int64_t steps = 0;              // that the levels are divided into
  double strength = 1;                 // int(steps * strength) are run, the last ones
};

// What the latents are under the mask before noise is added to them.
enum class HiddenLatents { of_picture, noise, nothing };

// What the UNet sees besides the noisy latents.
enum class Sight {
  nothing,
  masked_picture,   // a mask, then the latents of the picture without what is masked (Rombach et al. 2022)
  picture_to_edit,  // the picture's latents as the encoder gives them (Brooks et al. 2023, "InstructPix2Pix")
};

using Settings = std::vector<std::pair<std::string, std::string>>;

// Pictures are F32 [1, height, width, 3] in [-1, 1], masks F32 [1, h, w, 1] in latent pixels, 1 where the latents are
// new; both of the first pass's size.
struct Job {
  std::vector<Pass> passes;

  // Where sampling starts, and what is kept of the picture.
  Tensor picture;          // empty: there is none, sampling starts from noise
  bool from_noise = true;  // start from noise alone, even if there is a picture
  Tensor mask;             // empty: all is new
  HiddenLatents hidden = HiddenLatents::of_picture;
  bool blends = false;   // after each step, what is not masked is the picture's again (tasks/blend.h)
  Tensor encoder_noise;  // NCHW, of unit variance: picks from the encoder's distribution; empty: its mean

  // What the UNet sees.
  Sight sight = Sight::nothing;
  Tensor seen;           // the picture that it sees
  Tensor seen_mask;      // of Sight::masked_picture: 0 or 1
  double image_cfg = 1;  // of Sight::picture_to_edit: how strongly the picture guides

  std::optional<Upscaler> upscaler;  // between two passes

  // What the picture becomes: width and height, and how it is made from what was decoded.
  std::int64_t width = 0, height = 0;
  std::function<Picture(const Tensor& pixels)> finish;  // pixels: F32 [1, h, w, 3] of the last pass's size

  Settings settings;                  // for the infotext, behind those that all tasks have
  std::vector<std::string> warnings;  // for the report: one sentence each
};

// Throws Error(model) unless the model is made for one of `tasks`; says which command it is for.
void expect_model(const StableDiffusion& networks, std::string_view task, std::initializer_list<ModelTask> tasks);

// Throws Error(usage) unless the side is a positive multiple.
void check_side(std::string_view what, std::int64_t value, std::int64_t multiple);

// Error(limit) for sizes that no file of a picture takes, and whose needs no number here would hold.
void check_size(std::int64_t width, std::int64_t height);

}  // namespace safelight
