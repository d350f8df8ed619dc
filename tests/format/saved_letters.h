// Files to be saved and replaced: a tensor for each letter of a word, filled with that letter.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "safelight/writer.h"

namespace safelight::test {

inline std::vector<PendingTensor> tensors_of(const std::string& names, std::int64_t bytes) {
  std::vector<PendingTensor> list;
  for (const char name : names)
    list.push_back({std::string(1, name), DType::U8, {bytes}, [name, bytes] {
                      Tensor t = Tensor::allocate(DType::U8, {bytes});
                      std::fill_n(t.mutable_data(), bytes, static_cast<std::byte>(name));
                      return t;
                    }});
  return list;
}

inline void save_named(const std::filesystem::path& path, const std::string& names, const SaveOptions& options = {}) {
  save(path, tensors_of(names, 20'000), {{"names", names}}, options, {.threads = 2});
}

}  // namespace safelight::test
