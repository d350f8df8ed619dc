// The one exception type of the library, and the categories a caller can switch on.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace safelight {

// What kind of thing went wrong. The command line maps each category to its own exit code (see exit_code).
enum class ErrorCategory {
  usage,      // an option or argument is not acceptable
  io,         // the operating system refused: missing, unreadable, unwritable, disk full
  format,     // the bytes of a file are not what its format demands
  model,      // a sound file, but not the model that is needed: missing tensor, wrong shape, a LoRA, ...
  limit,      // it would need more memory, or be larger, than allowed
  cancelled,  // the caller's CancelToken was set
};

std::string_view name(ErrorCategory category) noexcept;

// The process exit code of a category: usage 2, io 3, format 4, model 5, limit 6, cancelled 130.
int exit_code(ErrorCategory category) noexcept;

// Thrown on bad input and failed input/output. what() is one line that says who complains, what was expected,
// what was found, and where (file, tensor, byte offset). Broken invariants of the library are asserts instead.
class Error : public std::runtime_error {
 public:
  Error(ErrorCategory category, const std::string& message) : std::runtime_error(message), category_(category) {}
  ErrorCategory category() const noexcept { return category_; }

 private:
  ErrorCategory category_;
};

}  // namespace safelight
