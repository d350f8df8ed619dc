// Which tensors a command is for: patterns of names.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/sharded.h"

namespace safelight {

class NameSelection {
 public:
  // Glob patterns (core/glob.h). No `only`: every name. What `except` fits is out in any case.
  NameSelection(std::span<const std::string> only, std::span<const std::string> except)
      : only_(only), except_(except) {}

  bool contains(std::string_view name) const noexcept;

  // Throws Error(model) if a pattern of either list fits none of the tensors: it is misspelt.
  void check(std::span<const ShardedTensors::Entry> tensors) const;

 private:
  std::span<const std::string> only_, except_;
};

}  // namespace safelight
