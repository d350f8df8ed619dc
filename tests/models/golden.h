// A golden file of the networks (tests/golden/models.py), and how far our networks are from it.
#pragma once

#include <string>

#include "models/stable_diffusion.h"
#include "safelight/safetensors.h"

namespace safelight::test {

// Between what we got and what was expected, over all values.
struct Distance {
  double max_abs = 0;   // largest difference
  double relative = 0;  // norm of the difference over the norm of what was expected
  double psnr = 0;      // in dB, for a picture in [-1, 1]; infinite if equal
};
Distance distance(const Tensor& got, const Tensor& expected);

class Golden {
 public:
  explicit Golden(SafeTensors file) : file_(std::move(file)) {}

  // Is there a case with this name: "text", "text2", "unet.0", "vae.1", ...?
  bool has(const std::string& name) const;

  struct Text {
    Distance embeddings;
    Distance pooled;  // zero if the case has none
  };
  Text text(ClipTextEncoder& encoder, const std::string& name = "text") const;

  Distance unet(UNet& unet, const std::string& name) const;             // of the predicted noise
  Distance decode(VaeDecoder& decoder, const std::string& name) const;  // of the picture

  struct Encoded {
    Distance mean, log_variance;
  };
  Encoded encode(VaeEncoder& encoder, const std::string& name) const;  // of the same picture, clamped

 private:
  SafeTensors file_;
};

}  // namespace safelight::test
