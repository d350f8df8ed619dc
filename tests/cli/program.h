// Runs the program as a user does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace safelight::test {

struct Result {
  int exit_code = -1;  // 128 + signal if one ended it
  std::string out, err;
};

struct RunOptions {
  std::vector<std::string> environment{};  // "NAME=value", added to ours
  std::uint64_t largest_file = 0;          // bytes a file may have (ulimit -f); 0: no limit
  bool terminal = false;                   // the standard error is a terminal of 80 columns
  std::function<bool()> interrupt_when{};  // SIGINT is sent as soon as this is true
};

// Waits for the end. REQUIRES: the program has been built.
Result run(const std::vector<std::string>& arguments, const RunOptions& options = {});

}  // namespace safelight::test
