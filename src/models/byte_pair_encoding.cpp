// Byte-pair encoding: the vocabulary's merges, applied best first through a heap.
#include "models/byte_pair_encoding.h"

#include <array>
#include <cassert>
#include <queue>
#include <string>

namespace safelight {
namespace {

constexpr int kBytes = 256;
constexpr std::string_view kWordEnd = "</w>";

// The vocabulary writes bytes as printable characters: those that print in Latin-1 as themselves, first, then the
// others, in ascending order, as U+0100 and following.
constexpr bool prints(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// The position of each byte in that order, which is its token.
constexpr std::array<std::int32_t, kBytes> byte_order() {
  std::array<std::int32_t, kBytes> order{};
  std::int32_t next = 0;
  for (const bool pass : {true, false})
    for (int byte = 0; byte < kBytes; ++byte)
      if (prints(byte) == pass) order[static_cast<std::size_t>(byte)] = next++;
  return order;
}
constexpr std::array<std::int32_t, kBytes> kByteToken = byte_order();

// The printable character of a byte, in UTF-8 (never beyond U+0143).
std::string printable(int byte) {
  constexpr int kPrinting = 188;
  const int code = prints(byte) ? byte : 0x100 + kByteToken[static_cast<std::size_t>(byte)] - kPrinting;
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
}

// Part of a word while it is being merged; a doubly linked list in an array.
struct Symbol {
  std::int32_t token;
  std::int32_t previous, next;  // indices, or kNoSymbol
};
constexpr std::int32_t kNoSymbol = -1;

// A merge that is possible; the lowest token goes first, from left to right.
struct Candidate {
  std::int32_t token, left;
  bool operator>(const Candidate& other) const {
    return token != other.token ? token > other.token : left > other.left;
  }
};

}  // namespace

BytePairEncoding::BytePairEncoding() {
  std::unordered_map<std::string, std::int32_t> tokens;
  constexpr std::size_t kMerges = 48894;
  tokens.reserve(2 * kBytes + kMerges);
  merges_.reserve(kMerges);
  for (int byte = 0; byte < kBytes; ++byte) {
    const std::string text = printable(byte);
    const std::int32_t token = kByteToken[static_cast<std::size_t>(byte)];
    tokens.emplace(text, token);
    tokens.emplace(text + std::string(kWordEnd), token + kBytes);
  }
  std::int32_t token = 2 * kBytes;
  for (std::size_t begin = 0; begin < kClipMerges.size(); ++token) {
    const std::size_t space = kClipMerges.find(' ', begin), end = kClipMerges.find('\n', begin);
    const std::string left(kClipMerges.substr(begin, space - begin));
    const std::string right(kClipMerges.substr(space + 1, end - space - 1));
    merges_.emplace(pair_key(tokens.at(left), tokens.at(right)), token);
    tokens.emplace(left + right, token);
    begin = end + 1;
  }
  assert(merges_.size() == kMerges && tokens.size() == 2 * kBytes + kMerges);
}

std::int32_t BytePairEncoding::merged(std::int32_t left, std::int32_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? kNone : found->second;
}

void BytePairEncoding::encode(std::string_view word, std::vector<std::int32_t>& tokens) const {
  if (word.empty()) return;
  const auto count = static_cast<std::int32_t>(word.size());
  std::vector<Symbol> symbols(word.size());
  for (std::int32_t i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned char>(word[static_cast<std::size_t>(i)]);
    symbols[static_cast<std::size_t>(i)] = {kByteToken[byte], i - 1, i + 1};
  }
  symbols.back().token += kBytes;
  symbols.back().next = kNoSymbol;

  const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto consider = [&](std::int32_t left) {
    if (left == kNoSymbol || at(left).next == kNoSymbol) return;
    const std::int32_t token = merged(at(left).token, at(at(left).next).token);
    if (token != kNone) candidates.push({token, left});
  };
  for (std::int32_t i = 0; i < count; ++i) consider(i);

  while (!candidates.empty()) {
    const auto [token, left] = candidates.top();
    candidates.pop();
    Symbol& symbol = at(left);
    // Earlier merges may have consumed either side since; a consumed symbol has no token.
    if (symbol.token == kNone || symbol.next == kNoSymbol) continue;
    if (merged(symbol.token, at(symbol.next).token) != token) continue;
    Symbol& consumed = at(symbol.next);
    symbol.token = token;
    symbol.next = consumed.next;
    consumed.token = kNone;
    if (symbol.next != kNoSymbol) at(symbol.next).previous = left;
    consider(symbol.previous);
    consider(left);
  }
  for (std::int32_t i = 0; i != kNoSymbol; i = at(i).next) tokens.push_back(at(i).token);
}

}  // namespace safelight
