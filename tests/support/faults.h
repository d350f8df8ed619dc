// A file system that fails when it is told to. The system calls of src/core/file_operations.h's kind are defined in the
// test program itself, in front of the C library's: the code under test has no hooks.
#pragma once

#include <string>
#include <vector>

namespace safelight::test {

enum class Failure {
  error,    // the call does nothing and fails with `error`
  shorten,  // the call transfers half of the bytes
  tear,     // the call writes half of the bytes, and the process dies
  kill,     // the process dies before the call
};

struct Fault {
  std::string call{};   // its name, such as "pwrite"; empty: any of those that are watched
  int at = 1;           // fails the at-th such call ...
  bool always = false;  // ... or each one
  Failure failure = Failure::error;
  int error = 5;  // EIO
};

// While it lives, the faults happen, in all threads. One at a time.
class Faults {
 public:
  explicit Faults(std::vector<Fault> faults);
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // Whether one has happened, and the name of the last call that it happened to.
  bool happened() const;
  std::string victim() const;
};

}  // namespace safelight::test
