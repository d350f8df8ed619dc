#include "core/xxh3.h"

#include <gtest/gtest.h>

#include <vector>

namespace safelight {
namespace {

// As the public xxhash package for Python (3.5.0) computes it.
TEST(Xxh3, KnownHashes) {
  EXPECT_EQ(hex(xxh3({})), "99aa06d3014798d86001c324468d497f");
  std::vector<std::byte> bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 251);
  EXPECT_EQ(hex(xxh3(bytes)), "18bf41bc8229e27733ef703fb2b20ed1");
  Xxh3 pieces;
  pieces.update(std::span(bytes).first(7));
  pieces.update({});
  pieces.update(std::span(bytes).subspan(7));
  EXPECT_EQ(pieces.digest(), xxh3(bytes));
}

}  // namespace
}  // namespace safelight
