// Makes a picture: make_picture MODEL.safetensors "what it shows" OUT.png
#include <cstdio>

#include "safelight/error.h"
#include "safelight/generate.h"
#include "safelight/picture.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: make_picture MODEL.safetensors PROMPT OUT.png\n");
    return 2;
  }
  try {
    safelight::Model model = safelight::Model::open(argv[1]);
    safelight::generate(model, {.prompt = argv[2], .steps = 12, .seed = 42}, [&](safelight::GeneratedPicture p) {
      safelight::write_picture(argv[3], p.picture, {{"parameters", p.infotext}});
    });
    return 0;
  } catch (const safelight::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return safelight::exit_code(e.category());
  }
}
