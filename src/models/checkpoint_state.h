// What a Checkpoint holds. Its copies share one.
#pragma once

#include <string>
#include <vector>

#include "models/checkpoint.h"

namespace safelight {

struct Checkpoint::State {
  // A tensor of the last of `files`.
  void add(TensorInfo info, std::string name_in_file) {
    tensors.push_back(std::move(info));
    names_in_files.push_back(std::move(name_in_file));
    file_of.push_back(files.size() - 1);
  }

  // Once all are there. Error(model) if two have one name.
  void finish();

  // Of a tensor of `tensors`.
  std::size_t index(const TensorInfo& info) const noexcept { return static_cast<std::size_t>(&info - tensors.data()); }
  const SafeTensors& file(const TensorInfo& info) const noexcept { return files[file_of[index(info)]]; }

  std::filesystem::path path;
  CheckpointSources sources;
  std::vector<TensorInfo> tensors;
  std::vector<std::string> names_in_files;  // of each tensor
  std::vector<std::size_t> file_of;         // of each tensor, in `files`
  std::vector<SafeTensors> files;
  std::vector<const TensorInfo*> by_name;
  Metadata metadata;
  CheckpointFacts facts;
};

}  // namespace safelight
