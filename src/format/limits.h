// Limits on what a file may ask for: the checks, and the error of those that opening makes.
#pragma once

#include <cstdint>
#include <string_view>

#include "safelight/error.h"
#include "safelight/safetensors.h"

namespace safelight {

// what() is the detail, without the file's path, which readers add.
class OverLimit : public Error {
 public:
  explicit OverLimit(const std::string& detail) : Error(ErrorCategory::limit, detail) {}
};

[[noreturn]] void over_limit(std::string_view what, std::uint64_t found, std::string_view unit, std::uint64_t limit);

// "the header has 200 tensors, more than the 100 allowed". Throws OverLimit.
inline void check_limit(std::string_view what, std::uint64_t found, std::string_view unit, std::uint64_t limit) {
  if (found > limit) over_limit(what, found, unit, limit);
}

// What opening a file allocates, counted before it does. Never too little, so memory that is given back counts on.
class MemoryEstimate {
 public:
  // Throws OverLimit, as add() does.
  MemoryEstimate(std::uint64_t begin, std::uint64_t limit) : limit_(limit) { add(begin); }

  void add(std::uint64_t bytes) {
    used_ += bytes;  // cannot overflow: less than 200 for each of at most 100 MB
    check_limit("opening the file", used_, "bytes of memory to ask for", limit_);
  }

 private:
  std::uint64_t used_ = 0, limit_;
};

}  // namespace safelight
