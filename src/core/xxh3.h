// XXH3 with 128 bits, a piece at a time: finds damage at the speed of memory; no defence against a forger.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace safelight {

// The canonical form: the higher 64 bits first, each half big-endian.
using Hash128 = std::array<std::byte, 16>;

class Xxh3 {
 public:
  Xxh3();
  ~Xxh3();
  Xxh3(const Xxh3&) = delete;
  Xxh3& operator=(const Xxh3&) = delete;

  void update(std::span<const std::byte> bytes);

  // The hash of all bytes so far.
  Hash128 digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The same in one call.
Hash128 xxh3(std::span<const std::byte> bytes);

// 32 lower-case hexadecimal digits.
std::string hex(const Hash128& hash);

}  // namespace safelight
