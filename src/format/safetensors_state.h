// What a SafeTensors object holds. Its copies share one, and so do the tensors borrowed from it.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "core/mapped_file.h"
#include "format/contents.h"
#include "safelight/safetensors.h"

namespace safelight {

struct SafeTensors::State {
  std::filesystem::path path;
  std::shared_ptr<const MappedFile> mapping;  // null after parse()
  std::shared_ptr<const void> owner;          // of parsed bytes; may be null
  std::span<const std::byte> file;
  Contents contents;

  State(std::span<const std::byte> bytes, Contents said) : file(bytes), contents(std::move(said)) {}
};

// The tensor with this name. Throws Error(model) if there is none.
const TensorInfo& existing(const SafeTensors& file, std::string_view name);

// For the sources of this folder.
struct FormatAccess {
  static const auto& state(const SafeTensors& file) { return *file.state_; }
};

}  // namespace safelight
