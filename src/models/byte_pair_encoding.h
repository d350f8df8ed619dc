// Byte-level byte-pair encoding (Sennrich et al. 2016) with CLIP's vocabulary.
//
// Token ids: [0, 256) a byte inside a word, [256, 512) a byte that ends one, in the order of byte_order(); then one per
// merge, in the order of the merges; then the start and the end token.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace safelight {

class BytePairEncoding {
 public:
  BytePairEncoding();

  // Appends the tokens of one word. n log n in its bytes: words of megabytes are no trap.
  void encode(std::string_view word, std::vector<std::int32_t>& tokens) const;

 private:
  // The token that a pair of tokens merges into, or kNone. The lower it is, the earlier it was learnt and is applied.
  std::int32_t merged(std::int32_t left, std::int32_t right) const;

  static constexpr std::int32_t kNone = -1;
  std::unordered_map<std::uint64_t, std::int32_t> merges_;  // left << 32 | right -> token
};

// The merges of CLIP's vocabulary, one "left right" per line. Generated from the published file by
// cmake/ClipVocabulary.cmake.
extern const std::string_view kClipMerges;

}  // namespace safelight
