// Any bytes are either refused with an Error or give entries that lie inside them and can be read.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "format/foreign/readers.h"
#include "format/foreign/zip_archive.h"
#include "safelight/error.h"

namespace {

using namespace safelight;

void require(bool condition) {
  if (!condition) std::abort();
}

template <class Work>
void try_to(Work work) {
  try {
    work();
  } catch (const Error& e) {
    require(std::strchr(e.what(), '\n') == nullptr);
  }
}

void make_all(const ImportedFile& file) {
  for (const PendingTensor& tensor : file.tensors)
    try_to([&] {
      if (elements(tensor.shape) < (1 << 20)) require(tensor.make().shape() == tensor.shape);
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try_to([&] {
    const auto archive = foreign::ZipArchive::open(bytes, nullptr, {.inflated_bytes = 1 << 24});
    for (const foreign::ZipEntry& entry : archive.entries()) {
      require(entry.begin + entry.stored.size() <= size);
      require(archive.find(entry.name) == &entry);
      try_to([&] { require(archive.read(entry).span.size() == entry.size); });
    }
    make_all(foreign::is_torch_archive({bytes, nullptr}) ? foreign::read_torch({bytes, nullptr}, {})
                                                         : foreign::read_npz({bytes, nullptr}));
  });
  return 0;
}
