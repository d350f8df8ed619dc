// random_files SEED [COUNT]: random files with the verdict of compat mode, as one endless stream for differential.py:
//
//   u32 size of the file, u8 length of the rule's name (both little-endian), the name, the file
//
// Files are made from structured headers, so that most get past the first rules; odd values are strewn in at every
// place, and some have their bytes changed afterwards.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/safetensors.h"

namespace safelight {
namespace {

using namespace std::string_view_literals;

constexpr std::array kOddNumbers = {"-0"sv,
                                    "-1"sv,
                                    "1.0"sv,
                                    "1e0"sv,
                                    "1e309"sv,
                                    "1e308"sv,
                                    "-1e999"sv,
                                    "18446744073709551615"sv,
                                    "18446744073709551616"sv,
                                    "9223372036854775808"sv,
                                    "00"sv,
                                    "01"sv,
                                    "+1"sv,
                                    "1."sv,
                                    ".5"sv,
                                    "1e"sv,
                                    "17976931348623157e292"sv,
                                    "17976931348623158e292"sv,
                                    "1.7976931348623157e308"sv,
                                    "0e999"sv,
                                    "4294967296"sv,
                                    "-"sv,
                                    "1x"sv,
                                    "0.5e-400"sv,
                                    "123456789012345678901234567890"sv,
                                    "99999999999999999999e289"sv,
                                    "0.0001e312"sv};
constexpr std::array kOddStrings = {R"("\ud800")"sv,
                                    R"("\udc00")"sv,
                                    R"("\ud83d\ude00")"sv,
                                    R"("\u0000")"sv,
                                    R"("\x")"sv,
                                    R"("a\/b")"sv,
                                    "\"\x7F\""sv,
                                    "\"\x01\""sv,
                                    "\"\xC3\xA9\""sv,
                                    "\"\xEF\xBB\xBF\""sv,
                                    R"("\u00e9")"sv,
                                    R"("\ud83d\u0041")"sv,
                                    "\""sv,
                                    R"("\")"sv,
                                    "\"\""sv,
                                    R"("\uD83D\uDE0")"sv};
constexpr std::array kOddValues = {"null"sv,
                                   "true"sv,
                                   "false"sv,
                                   "nul"sv,
                                   "NaN"sv,
                                   "Infinity"sv,
                                   "[]"sv,
                                   "{}"sv,
                                   "[[]]"sv,
                                   R"({"a":1})"sv,
                                   R"({"a":1,"a":2})"sv,
                                   "[1,]"sv,
                                   "[,1]"sv,
                                   "{,}"sv,
                                   R"({"a"})"sv,
                                   "[1 2]"sv,
                                   "'a'"sv,
                                   ""sv,
                                   "/**/1"sv,
                                   "[}"sv,
                                   "{]"sv,
                                   R"({"F32":null})"sv,
                                   R"({"F32":{}})"sv};
constexpr std::array kNames = {
    "a"sv,        "b"sv,          "c"sv,     "w.0"sv,      "w.1"sv, ""sv, "__metadata__"sv, R"(\u005f_metadata__)"sv,
    "\xC3\xA9"sv, R"(a\u0000)"sv, "dtype"sv, R"(\u0061)"sv};
constexpr std::array kSpaces = {" "sv, "\n"sv, "\t"sv, "\r"sv, "  "sv};

struct Entry {
  std::string_view dtype;
  std::vector<std::uint64_t> shape;
  std::int64_t begin = 0, end = 0;
};

class RandomFiles {
 public:
  explicit RandomFiles(std::uint64_t seed) : random_(seed) {}

  std::string file();

 private:
  bool chance(double share) { return std::uniform_real_distribution<>(0, 1)(random_) < share; }
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  template <class Choices>
  auto pick(const Choices& choices) {
    return choices[static_cast<std::size_t>(below(static_cast<int>(choices.size())))];
  }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<int>(choices.size()))];
  }

  std::string_view space() { return chance(0.1) ? pick(kSpaces) : ""sv; }
  std::string spaced(std::string_view text) { return fmt::format("{}{}{}", space(), text, space()); }
  std::string digits(int most);
  std::string number();
  std::string value(int depth = 0);
  std::vector<Entry> entries();
  Entry entry(std::int64_t begin);
  std::string integer(const std::string& number);
  std::string array(const std::vector<std::string>& numbers);
  std::string dtype_text(std::string_view name);
  std::string entry_text(const Entry& entry);
  std::string metadata();
  std::string header();
  void mutate(std::string& bytes);

  std::mt19937_64 random_;
  std::int64_t data_ = 0;  // bytes after the header
};

std::string join(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ",")); }

std::string RandomFiles::digits(int most) {
  std::string text(static_cast<std::size_t>(1 + below(most)), '0');
  for (char& c : text) c = static_cast<char>('0' + below(10));
  return text;
}

std::string RandomFiles::number() {
  std::string text = pick({"", "", "-"});
  text += pick({std::string("0"), std::to_string(1 + below(9)) + digits(25), digits(3)});
  if (chance(0.4)) text += "." + digits(25);
  if (chance(0.5)) {
    text += pick({"e", "E"});
    text += pick({"", "+", "-"});
    text += chance(0.8) ? std::to_string(std::abs(pick({0, 5, 280, 290, 308, 309, 330}) + below(7) - 3)) : digits(12);
  }
  return text;
}

std::string RandomFiles::value(int depth) {
  const int kind = below(100);
  if (kind < 25) return std::string(pick(kOddNumbers));
  if (kind < 35) return number();
  if (kind < 50) return std::string(pick(kOddStrings));
  if (kind < 75 || depth > 3) return std::string(pick(kOddValues));
  if (kind < 78) {
    const bool arrays = chance(0.5);
    std::string text, closing;
    for (int n = pick({3, 100, 123, 124, 125, 126, 127, 128, 200}); n > 0; --n) {
      text += arrays ? "[" : "{\"a\":";
      closing += arrays ? "]" : "}";
    }
    return text + "1" + closing;
  }
  const bool object = kind >= 90;
  std::vector<std::string> items;
  for (int n = below(4); n > 0; --n)
    items.push_back((object ? fmt::format("\"{}\":", pick({"a", "b", "c"})) : "") + value(depth + 1));
  return (object ? "{" : "[") + join(items) + (object ? "}" : "]");
}

// A tensor that fits its shape and the data before it, mostly.
Entry RandomFiles::entry(std::int64_t begin) {
  const DTypeInfo& dtype = pick(dtypes());
  Entry e{.dtype = dtype.name, .shape = {}};
  for (int rank = below(4); rank > 0; --rank) e.shape.push_back(pick({0u, 1u, 2u, 3u, 4u, 8u}));
  std::uint64_t bits = static_cast<std::uint64_t>(dtype.bits);
  for (const std::uint64_t size : e.shape) bits *= size;
  if (bits % 8 != 0 && chance(0.7)) {
    e.shape = {8};
    bits = 8 * static_cast<std::uint64_t>(dtype.bits);
  }
  if (chance(0.03)) {
    e.shape.clear();
    for (int rank = 1 + below(3); rank > 0; --rank)
      e.shape.push_back(pick<std::uint64_t>({0, 1ull << 31, 1ull << 32, 1ull << 61, 1ull << 63, ~0ull}));
    bits = static_cast<std::uint64_t>(below(9)) * 8;
  }
  e.begin = begin + (chance(0.02) ? pick({-1, 1, 8}) : 0);
  e.end = e.begin + static_cast<std::int64_t>(bits / 8) + (chance(0.02) ? pick({-1, 1}) : 0);
  return e;
}

std::vector<Entry> RandomFiles::entries() {
  std::vector<Entry> result;
  std::int64_t end = 0;
  for (int n = pick({0, 1, 1, 2, 3, 5}); n > 0; --n) {
    result.push_back(entry(end));
    end = result.back().end;
  }
  data_ = std::max<std::int64_t>(end + (chance(0.03) ? pick({-1, 1, 7}) : 0), 0);
  return result;
}

std::string RandomFiles::integer(const std::string& number) {
  if (!chance(0.008)) return number;
  return std::string(chance(0.5) ? pick(kOddNumbers) : pick(kOddValues));
}

std::string RandomFiles::array(const std::vector<std::string>& numbers) {
  std::vector<std::string> items;
  for (const std::string& n : numbers) items.push_back(spaced(integer(n)));
  if (chance(0.01)) items.emplace_back("0");
  return spaced("[" + join(items) + "]");
}

std::string RandomFiles::dtype_text(std::string_view name) {
  if (!chance(0.03)) return fmt::format("\"{}\"", name);
  switch (below(5)) {
    case 0:
      return fmt::format("{{\"{}\":null}}", name);
    case 1:
      return fmt::format("{{\"{}\":1}}", name);
    case 2:
      return "\"f32\"";
    case 3:
      return R"("F\u00332")";
    default:
      return value();
  }
}

std::string RandomFiles::entry_text(const Entry& e) {
  if (chance(0.01)) return value();
  std::vector<std::string> shape;
  for (const std::uint64_t size : e.shape) shape.push_back(std::to_string(size));
  const std::array fields = {dtype_text(e.dtype), array(shape),
                             array({std::to_string(e.begin), std::to_string(e.end)})};
  if (chance(0.04)) {
    std::vector<std::string> items(fields.begin(), fields.end());
    if (chance(0.3)) items.push_back(value());
    return "[" + join(items) + "]";
  }
  std::vector<std::pair<std::string_view, std::string>> pairs = {
      {"dtype", fields[0]}, {"shape", fields[1]}, {"data_offsets", fields[2]}};
  if (chance(0.5)) std::shuffle(pairs.begin(), pairs.end(), random_);
  if (chance(0.1))
    pairs.insert(pairs.begin() + below(4),
                 {pick({"x"sv, "x"sv, "strides"sv, "shape"sv, "__metadata__"sv, R"(\u0078)"sv}), value()});
  if (chance(0.01)) pairs.erase(pairs.begin() + below(static_cast<int>(pairs.size())));
  std::vector<std::string> members;
  for (const auto& [key, text] : pairs) members.push_back(spaced(fmt::format("\"{}\"", key)) + ":" + spaced(text));
  return "{" + join(members) + "}";
}

std::string RandomFiles::metadata() {
  if (chance(0.05)) return value();
  std::vector<std::string> members;
  for (int n = below(4); n > 0; --n)
    members.push_back(fmt::format("\"{}\":{}", pick({"a", "b", "c", "d"}), chance(0.05) ? value() : "\"v\""));
  return "{" + join(members) + "}";
}

std::string RandomFiles::header() {
  std::vector<std::string> members;
  for (const Entry& e : entries()) {
    const std::string name = chance(0.05) ? std::string(pick(kNames)) : fmt::format("t{}", members.size());
    members.push_back(spaced(fmt::format("\"{}\"", name)) + ":" + entry_text(e));
  }
  if (chance(0.3))
    members.insert(members.begin() + below(static_cast<int>(members.size()) + 1), "\"__metadata__\":" + metadata());
  if (chance(0.05) && !members.empty()) members.push_back(pick(members));
  if (chance(0.5)) std::shuffle(members.begin(), members.end(), random_);
  return spaced("{" + join(members) + "}");
}

void RandomFiles::mutate(std::string& bytes) {
  constexpr std::string_view kInserted = "{}[]:,\"\\ 0\0\n\xFF\xC3-e."sv;
  for (int n = 1 + below(3); n > 0; --n) {
    const auto at = static_cast<std::size_t>(below(static_cast<int>(bytes.size()) + 1));
    const int what = below(10);
    if (what < 4)
      bytes.insert(at, 1, pick(kInserted));
    else if (what < 7)
      bytes.erase(at, static_cast<std::size_t>(1 + below(3)));
    else if (at < bytes.size())
      bytes[at] = static_cast<char>(below(256));
  }
}

std::string RandomFiles::file() {
  std::string text = header();
  if (chance(0.05)) mutate(text);
  std::uint64_t length = text.size();
  if (chance(0.01)) length += pick<std::uint64_t>({~0ull, 1, ~0ull - 7, 8, 1ull << 32, 1ull << 63});
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i));
  bytes += text;
  bytes.append(static_cast<std::size_t>(std::min<std::int64_t>(data_, 1 << 20)), '\0');
  if (chance(0.005)) bytes.resize(static_cast<std::size_t>(below(static_cast<int>(bytes.size()) + 1)));
  return bytes;
}

bool write(const std::string& bytes) { return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size(); }

}  // namespace
}  // namespace safelight

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fputs("usage: random_files SEED [COUNT]\n", stderr);
    return 2;
  }
  safelight::RandomFiles files(std::strtoull(argv[1], nullptr, 10));
  const std::uint64_t count = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : ~std::uint64_t{0};
  std::vector<char> buffer(1 << 20);
  std::setvbuf(stdout, buffer.data(), _IOFBF, buffer.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string file = files.file();
    const std::string rule = safelight::check(std::as_bytes(std::span(file)), {.mode = safelight::Mode::compat}).rule;
    std::string record;
    for (int shift = 0; shift < 32; shift += 8) record += static_cast<char>(file.size() >> shift);
    record += static_cast<char>(rule.size());
    if (!safelight::write(record + rule + file)) return 1;  // the reader has gone
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
