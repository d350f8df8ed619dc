#include "core/xxh3.h"

#define XXH_INLINE_ALL  // compiled here with our flags: no library to link
#include <xxhash.h>

#include <cstring>

namespace safelight {
namespace {

Hash128 canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Hash128 result;
  std::memcpy(result.data(), bytes.digest, result.size());
  return result;
}

}  // namespace

struct Xxh3::State {
  XXH3_state_t state;
};

Xxh3::Xxh3() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->state); }
Xxh3::~Xxh3() = default;

void Xxh3::update(std::span<const std::byte> bytes) {
  if (!bytes.empty()) XXH3_128bits_update(&state_->state, bytes.data(), bytes.size());
}

Hash128 Xxh3::digest() const { return canonical(XXH3_128bits_digest(&state_->state)); }

Hash128 xxh3(std::span<const std::byte> bytes) { return canonical(XXH3_128bits(bytes.data(), bytes.size())); }

std::string hex(const Hash128& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte b : hash) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

}  // namespace safelight
