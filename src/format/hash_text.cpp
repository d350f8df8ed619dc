#include "format/hash_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "safelight/content_hash.h"

namespace safelight {

void sort_by_name(std::vector<HashedTensor>& tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const HashedTensor& a, const HashedTensor& b) { return a.name < b.name; });
}

std::string content_hash_text(std::span<const HashedTensor> tensors) {
  Xxh3 content;
  for (const HashedTensor& t : tensors) {
    const std::string line =
        fmt::format("{} {} [{}] {} {}\n", hex(t.hash), name(t.dtype), t.shape, t.name.size(), t.name);
    content.update(std::as_bytes(std::span(line)));
  }
  return std::string(kHashPrefix) + hex(content.digest());
}

std::string tensor_hashes_text(std::span<const HashedTensor> tensors) {
  std::string text(kHashPrefix);
  for (const HashedTensor& t : tensors) text += hex(t.hash);
  return text;
}

void set_hashes(Metadata& metadata, std::vector<HashedTensor> tensors) {
  sort_by_name(tensors);
  metadata.insert_or_assign(std::string(kContentHashKey), content_hash_text(tensors));
  metadata.insert_or_assign(std::string(kTensorHashesKey), tensor_hashes_text(tensors));
}

}  // namespace safelight
