// For tests of permissions, which do not exist for root: while it lives, the process has an ordinary user's rights.
#pragma once

#include <unistd.h>

#include <stdexcept>

namespace safelight::test {

class Unprivileged {
 public:
  Unprivileged() : user_(::geteuid()) {
    if (user_ == 0 && ::seteuid(kNobody) != 0) throw std::runtime_error("cannot give up root's rights");
  }
  ~Unprivileged() {
    if (user_ == 0 && ::seteuid(0) != 0) ::_exit(70);
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

  static constexpr uid_t kNobody = 65534;

 private:
  uid_t user_;
};

}  // namespace safelight::test
