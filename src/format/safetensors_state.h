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

  State(std::span<const std::byte> bytes, const OpenOptions& options)
      : file(bytes), contents(read_contents(bytes, options)) {}
};

}  // namespace safelight
