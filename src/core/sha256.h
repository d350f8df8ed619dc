// SHA-256 (FIPS 180-4), a piece at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace safelight {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(std::span<const std::byte> bytes);

  // The hash of all bytes so far, as 64 lower-case hexadecimal digits. Ends the hash: no update() may follow.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace safelight
