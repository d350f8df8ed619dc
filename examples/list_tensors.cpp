// Lists the tensors of a file: list_tensors FILE.safetensors
#include <cstdio>

#include "safelight/error.h"
#include "safelight/safetensors.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: list_tensors FILE.safetensors\n");
    return 2;
  }
  try {
    const safelight::SafeTensors file = safelight::SafeTensors::open(argv[1]);
    for (const safelight::TensorInfo& t : file.tensors())
      std::printf("%s %s %llu bytes\n", t.name.c_str(), safelight::name(t.dtype).data(),
                  static_cast<unsigned long long>(t.bytes()));
    return 0;
  } catch (const safelight::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return safelight::exit_code(e.category());
  }
}
