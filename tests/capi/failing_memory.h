// Memory that runs out when a test wants it to.
#pragma once

namespace safelight::test {

// While it lives, the allocation number `at` (from 0) of operator new on this thread, and all later ones, fail.
class FailingMemory {
 public:
  explicit FailingMemory(int at) noexcept;
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;

  bool failed() const noexcept;  // whether an allocation was refused
};

}  // namespace safelight::test
