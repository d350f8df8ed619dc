// For tests of systems that are full: while it lives, no thread can be started.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <stdexcept>

namespace safelight::test {

class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_attr_t huge;
    if (pthread_getattr_default_np(&usual_) != 0 || pthread_attr_init(&huge) != 0 ||
        pthread_attr_setstacksize(&huge, kStack) != 0 || pthread_setattr_default_np(&huge) != 0)
      throw std::runtime_error("cannot change the stacks of threads");
    pthread_attr_destroy(&huge);
  }
  ~NoMoreThreads() {
    pthread_setattr_default_np(&usual_);
    pthread_attr_destroy(&usual_);
  }
  NoMoreThreads(const NoMoreThreads&) = delete;
  NoMoreThreads& operator=(const NoMoreThreads&) = delete;

 private:
  static constexpr std::size_t kStack = std::size_t{1} << 47;  // all that a process can address
  pthread_attr_t usual_;
};

}  // namespace safelight::test
