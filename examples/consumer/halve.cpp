// Safelight from C++, outside its tree: every other row of a tensor, into a file of its own.
//   halve IN.safetensors TENSOR OUT.safetensors
#include <safelight/error.h>
#include <safelight/safetensors.h>
#include <safelight/slice.h>

#include <array>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: halve IN.safetensors TENSOR OUT.safetensors\n");
    return 2;
  }
  try {
    const safelight::SafeTensors file = safelight::SafeTensors::open(argv[1]);
    const safelight::Tensor half = safelight::slice(file, argv[2], safelight::parse_slices("::2"));
    safelight::save(argv[3], std::array{safelight::NamedTensor{argv[2], half}});
    std::printf("%s: %s of %zu bytes\n", argv[2], safelight::to_string(half.shape()).c_str(), half.bytes());
    return 0;
  } catch (const safelight::Error& e) {
    std::fprintf(stderr, "halve: %s\n", e.what());
    return safelight::exit_code(e.category());
  }
}
