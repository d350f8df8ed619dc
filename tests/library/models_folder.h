// A folder of small models for the tests of the library.
#pragma once

#include <string>
#include <vector>

#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {

// Tensors of zeros, by which files are recognised.
struct Zeros {
  std::string name;
  Shape shape;
};
using File = std::vector<Zeros>;

File checkpoint_of_sd1();
File checkpoint_of_sd2();
File lora_for_sd1();
File vae_file();

class ModelsFolder : public TemporaryFolder {
 public:
  // Writes a file, making the folders it is in. Files are an hour old: those that were just written are not cached.
  std::filesystem::path add(const std::string& name, const File& tensors, const Metadata& metadata = {}) const;
  std::filesystem::path add_text(const std::string& name, const std::string& text) const;
};

}  // namespace safelight::test
