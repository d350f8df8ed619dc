// models_parity CHECKPOINT GOLDEN [BACKEND]: how far our networks are from a golden file of any size, as a table.
// BACKEND is "reference" or an instruction set; unless given, every set that this machine has.
// tests/golden/full_width.py makes the files for the families' own widths, which are too large for the repository.
#include <fmt/core.h>

#include <cstdio>
#include <string>

#include "models/golden.h"
#include "models/test_backends.h"
#include "safelight/error.h"

namespace {

using safelight::test::Distance;

void print(const std::string& what, const Distance& off) {
  fmt::print("  {:<20} max abs {:.3e}  relative {:.3e}  PSNR {:6.1f} dB\n", what, off.max_abs, off.relative, off.psnr);
  std::fflush(stdout);
}

void compare(const std::string& checkpoint, const std::string& golden_file, const std::string& backend_name) {
  fmt::print("{}\n", backend_name);
  const auto backend = safelight::test::make_backend(backend_name);
  auto sd = safelight::StableDiffusion::open(checkpoint, *backend);
  const safelight::test::Golden golden(safelight::SafeTensors::open(golden_file));
  for (std::size_t i = 0; i < sd.text_encoders.count(); ++i) {
    const std::string name = i == 0 ? "text" : "text2";
    const auto text = golden.text(sd.text_encoders[i], name);
    print(name + " embeddings", text.embeddings);
    if (sd.text_encoders[i].pooled_width() > 0) print(name + " pooled", text.pooled);
  }
  for (int i = 0; golden.has(fmt::format("unet.{}", i)); ++i) {
    const std::string name = fmt::format("unet.{}", i);
    print(name, golden.unet(sd.unet, name));
  }
  for (int i = 0; golden.has(fmt::format("vae.{}", i)); ++i) {
    const std::string name = fmt::format("vae.{}", i);
    print(name + " picture", golden.decode(sd.vae_decoder, name));
    const auto encoded = golden.encode(sd.vae_encoder, name);
    print(name + " mean", encoded.mean);
    print(name + " log variance", encoded.log_variance);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    fmt::print(stderr, "models_parity CHECKPOINT GOLDEN [BACKEND]\n");
    return 2;
  }
  try {
    for (const std::string& name : safelight::test::backend_names())
      if (argc == 3 && name != "reference") compare(argv[1], argv[2], name);
    if (argc == 4) compare(argv[1], argv[2], argv[3]);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
