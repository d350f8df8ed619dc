#include "corpus.h"

#include <fmt/format.h>

#include <cstdint>

namespace safelight::test {
namespace {

std::string length_field(std::uint64_t n) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(n >> (8 * i));
  return bytes;
}

// A file with this header, and so many bytes of data.
std::string with_header(const std::string& header, std::size_t data = 0) {
  return length_field(header.size()) + header + std::string(data, '\1');
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& range) {
  return fmt::format(R"({{"dtype":"{}","shape":{},"data_offsets":{}}})", dtype, shape, range);
}

std::string named(const std::string& name, const std::string& value) { return fmt::format(R"("{}":{})", name, value); }

// A file with one tensor of these fields.
std::string one(const std::string& dtype, const std::string& shape, const std::string& range, std::size_t data) {
  return with_header("{" + named("t", entry(dtype, shape, range)) + "}", data);
}

// A sound F32 tensor with one more field in its entry.
std::string extra(const std::string& field) {
  return with_header(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4],)" + field + "}}", 4);
}

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string repeated(int times, const std::string& item, const std::string& separator) {
  std::string out;
  for (int i = 0; i < times; ++i) out += (i ? separator : "") + item;
  return out;
}

const std::string kF32 = entry("F32", "[1]", "[0,4]");

class Corpus {
 public:
  std::vector<CorpusCase> cases;

  template <class Bytes>
  void add(const std::string& name, const std::string& strict, const std::string& compat, Bytes bytes) {
    if constexpr (std::is_invocable_v<Bytes>)
      cases.push_back({name, bytes, strict, compat});
    else
      cases.push_back({name, [bytes] { return std::string(bytes); }, strict, compat});
  }
  template <class Bytes>
  void valid(const std::string& name, Bytes bytes) {
    add(name, "ok", "ok", bytes);
  }
  template <class Bytes>
  void invalid(const std::string& rule, const std::string& name, Bytes bytes) {
    add(name, rule, rule, bytes);
  }
  // What only the reference accepts.
  template <class Bytes>
  void strict_rejects(const std::string& rule, const std::string& name, Bytes bytes) {
    add(name, rule, "ok", bytes);
  }

  void framing();
  void encoding();
  void json();
  void numbers();
  void entries();
  void layout();
  void sizes();
  void names();
  void metadata();
};

void Corpus::framing() {
  invalid("header-too-small", "empty file", "");
  invalid("header-too-small", "seven bytes", std::string(7, '\0'));
  invalid("header-too-small", "git lfs pointer cut short", "version");
  add("header length zero", "header-start", "json-syntax", std::string(8, '\0'));
  invalid("header-length", "header length 60, nothing follows", length_field(60));
  invalid("header-too-large", "header length 2^64-1", length_field(~std::uint64_t{0}));
  invalid("header-too-large", "header length 2^63", length_field(std::uint64_t{1} << 63));
  invalid("header-too-large", "header length 100,000,001 in a tiny file", length_field(100'000'001) + "{}");
  invalid("header-length", "header length 100,000,000 in a tiny file", length_field(100'000'000) + "{}");
  valid("header of 100,000,000 bytes", [] { return with_header("{}" + std::string(99'999'998, ' ')); });
  invalid("header-too-large", "header of 100,000,001 bytes",
          [] { return with_header("{}" + std::string(99'999'999, ' ')); });
  invalid("header-length", "header one byte longer than the file", length_field(3) + "{}");
  invalid("header-too-large", "big-endian header length", std::string(7, '\0') + "\x02{}");
  invalid("header-too-large", "git lfs pointer",
          "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 1234\n");
  invalid("header-too-large", "pickle", std::string("\x80\x02}q\0(X\1\0\0\0aq\1K\1u.", 17));
  invalid("header-too-large", "zip", "PK\x03\x04\x14\x08\x08\x08" + std::string(100, 'x'));
  invalid("header-too-large", "web page", "<!DOCTYPE html>\n<html><body>Not Found</body></html>\n");
  invalid("header-too-large", "json without length field", "{\"t\":" + kF32 + "}");
  // 0x80 0x02 begins a pickle and is also the header length 640.
  valid("header length that begins like a pickle", [] { return with_header("{}" + std::string(638, ' ')); });
  valid("no tensors", with_header("{}"));
  invalid("file-coverage", "no tensors but one byte of data", with_header("{}", 1));
  valid("padding of every white space", with_header("{}\r \t\n"));
  strict_rejects("header-start", "white space before the header", with_header("\t\n{}"));
  add("padding of NUL", "json-syntax", "json-syntax", with_header(std::string("{}\0\0\0\0\0\0", 8)));
  add("byte order mark", "header-start", "json-syntax", with_header("\xEF\xBB\xBF{}"));
  invalid("json-syntax", "garbage after the header's object", with_header("{}x"));
  invalid("json-syntax", "two objects", with_header("{}{}"));
  invalid("json-syntax", "closing bracket after the header's object", with_header("{}}"));
  add("white space only", "header-start", "json-syntax", with_header("    \n\t"));
  for (const std::string text : {"[]", "null", "1", "\"x\"", "true", "]", "}"})
    add("header is " + text, "header-start", "json-syntax", with_header(text));
  valid("odd header length, unaligned data", with_header("{" + named("t", kF32) + "} ", 4));
  invalid("file-coverage", "data two bytes short", one("F32", "[1]", "[0,4]", 2));
  invalid("file-coverage", "bytes after the data", with_header("{" + named("t", kF32) + "}", 4) + "PK\x05\x06");
}

void Corpus::encoding() {
  const auto with_name = [](const std::string& name) { return with_header("{" + named(name, kF32) + "}", 4); };
  invalid("header-utf8", "FF in the header", with_header("{}\xFF"));
  invalid("header-utf8", "FF in a name", with_name("\xFF"));
  invalid("header-utf8", "overlong NUL", with_name("\xC0\x80"));
  invalid("header-utf8", "overlong slash", with_name("\xE0\x80\xAF"));
  invalid("header-utf8", "surrogate encoded in UTF-8", with_name("\xED\xA0\x80"));
  invalid("header-utf8", "above U+10FFFF", with_name("\xF4\x90\x80\x80"));
  invalid("header-utf8", "UTF-8 sequence cut by the end of the header", with_header("{\"t\xE2\x82"));
  // UTF-8 is checked before JSON.
  invalid("header-utf8", "not UTF-8 and not JSON", with_header("x\xFF"));
  valid("U+10FFFF", with_name("\xF4\x8F\xBF\xBF"));
  valid("U+D7FF, the last before the surrogates", with_name("\xED\x9F\xBF"));
  valid("escaped surrogate pair", with_name("\\ud83d\\ude00"));
  valid("escaped NUL", with_name("a\\u0000b"));
  valid("every short escape", with_name("\\\"\\\\\\/\\b\\f\\n\\r\\t"));
  valid("delete character", with_name("\x7F"));
  for (const std::string bad : {"\\ud800", "\\udc00", "\\ud800\\u0041", "\\udc00\\ud800", "\\ud800x", "\\ud800\\n",
                                "\\ud800\\ud800", "x\\udfffy"})
    invalid("json-syntax", "lone surrogate " + bad, with_name(bad));
  for (const std::string bad : {"\\x41", "\\u12", "\\u12g4", "\\'", "\\"})
    invalid("json-syntax", "bad escape " + bad, with_name(bad));
  for (int c : {0x00, 0x01, 0x09, 0x0A, 0x0D, 0x1F})
    invalid("json-syntax", fmt::format("raw control character {:02x} in a name", c),
            with_name(std::string("a") + static_cast<char>(c)));
}

void Corpus::json() {
  for (const std::string text :
       {"{", "{\"", "{\"t", "{\"t\"", "{\"t\":", "{\"t\":{", "{\"t\":{\"dtype\":", "{\"t\":{\"dtype\":\"F32\"",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[", "{\"t\":{\"dtype\":\"F32\",\"shape\":[1"})
    invalid("json-syntax", "cut after " + text, with_header(text));
  invalid("json-syntax", "cut before the last bracket", with_header("{" + named("t", kF32), 4));
  invalid("json-syntax", "comma after the last entry", with_header("{" + named("t", kF32) + ",}", 4));
  invalid("json-syntax", "comma before the first entry", with_header("{," + named("t", kF32) + "}", 4));
  invalid("json-syntax", "two commas",
          with_header("{" + named("t", kF32) + ",," + named("u", entry("U8", "[0]", "[4,4]")) + "}", 4));
  invalid("json-syntax", "no comma",
          with_header("{" + named("t", kF32) + named("u", entry("U8", "[0]", "[4,4]")) + "}", 4));
  invalid("json-syntax", "no colon", with_header("{\"t\"" + kF32 + "}", 4));
  invalid("json-syntax", "comma for colon", with_header("{\"t\"," + kF32 + "}", 4));
  invalid("json-syntax", "single quotes", with_header("{'t':" + kF32 + "}", 4));
  invalid("json-syntax", "name without quotes", with_header("{t:" + kF32 + "}", 4));
  invalid("json-syntax", "number as name", with_header("{1:" + kF32 + "}", 4));
  invalid("json-syntax", "comment", with_header("{/* */" + named("t", kF32) + "}", 4));
  invalid("json-syntax", "comment after the object", with_header("{" + named("t", kF32) + "}//", 4));
  invalid("json-syntax", "form feed as white space", with_header("{\f" + named("t", kF32) + "}", 4));
  invalid("json-syntax", "no-break space as white space", with_header("{\xC2\xA0" + named("t", kF32) + "}", 4));
  invalid("json-syntax", "brackets crossed", with_header("{" + named("t", "{\"x\":[1}") + "]}"));
  valid("white space everywhere", with_header("{ \"t\" :\n{ \"dtype\"\t:\r\"F32\" , \"shape\" : [ 1 ] , "
                                              "\"data_offsets\" : [ 0 , 4 ] } }",
                                              4));
  invalid("json-syntax", "comma at the end of an entry", extra(""));
  invalid("json-syntax", "comma at the end of an array", extra("\"x\":[1,]"));
  for (const std::string word : {"NaN",       "Infinity", "-Infinity",   "nan",       "tru",
                                 "truex",     "True",     "nul",         "undefined", "1x",
                                 "'a'",       "x",        "\"a\"b",      "1 2",       "[1 2]",
                                 "[,]",       "[1,,2]",   "{,}",         "{\"a\"}",   "{\"a\":}",
                                 "{\"a\" 1}", "{1:2}",    "\"\\ud800\"", "\"\\x\"",   "{\"\\ud800\":1}",
                                 ""})
    invalid("json-syntax", "ignored field with value " + word, extra("\"x\":" + word));
  for (const std::string word :
       {"true", "false", "null", "\"s\"", "[]", "{}", "[1,\"a\",[null]]", "{\"a\":{\"b\":[]}}"})
    valid("ignored field with value " + word, extra("\"x\":" + word));
  // The header's object and the entry are two of the 127 levels.
  valid("ignored field nested 100 deep", extra("\"x\":" + nested(100)));
  valid("ignored field nested 125 deep", extra("\"x\":" + nested(125)));
  invalid("json-depth", "ignored field nested 126 deep", extra("\"x\":" + nested(126)));
  invalid("json-depth", "ignored field nested 200 deep", extra("\"x\":" + nested(200)));
  invalid("json-depth", "ignored field nested 50 million deep", [] { return extra("\"x\":" + nested(49'000'000)); });
  invalid("json-depth", "ignored objects nested 126 deep",
          extra("\"x\":" + repeated(126, "{\"a\":", "") + "1" + std::string(126, '}')));
}

void Corpus::numbers() {
  // Arithmetic of the reference: the rounded significand times the rounded power of ten.
  for (const std::string n : {"0",
                              "-0",
                              "-1",
                              "1.5",
                              "1e5",
                              "1E+5",
                              "1e-5",
                              "1e308",
                              "0e999",
                              "0e99999999999",
                              "1e-99999999999",
                              "123456789012345678901234567890",
                              "18446744073709551615",
                              "18446744073709551616",
                              "17976931348623157e292",
                              "-17976931348623157e292",
                              "0.0000000001e318",
                              "1e-400",
                              "-9223372036854775809",
                              "0.1e309"})
    valid("ignored number " + n, extra("\"x\":" + n));
  valid("ignored number of 309 digits", extra("\"x\":1" + std::string(308, '0')));
  valid("ignored number with 400 zeros and e700", extra("\"x\":0." + std::string(400, '0') + "1e700"));
  for (const std::string n :
       {"1e309", "-1e999", "1e999", "1.8e308", "1.7976931348623158e308", "17976931348623158e292", "1e99999999999"})
    invalid("json-syntax", "ignored number out of range " + n, extra("\"x\":" + n));
  invalid("json-syntax", "ignored number of 310 digits", extra("\"x\":1" + std::string(309, '0')));
  for (const std::string n :
       {"-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "1e5.5", "01", "-01", "00", "0x10", "1_000", "--1", "1,5e"})
    invalid("json-syntax", "ignored malformed number " + n, extra("\"x\":" + n));
  for (const std::string n : {"-1", "2.0", "2e0", "-0", "18446744073709551616", "null", "\"2\"", "[2]", "{}", "true"}) {
    invalid("shape", "shape of " + n, one("U8", "[" + n + "]", "[0,2]", 2));
    invalid("data-offsets", "data_offsets to " + n, one("U8", "[2]", "[0," + n + "]", 2));
  }
  for (const std::string n : {"02", "+2", "2.", "0x2", "1e999", ""}) {
    invalid("shape", "malformed shape of " + n, one("U8", "[" + n + ",1]", "[0,2]", 2));
    invalid("data-offsets", "malformed data_offsets to " + n, one("U8", "[2]", "[" + n + ",2]", 2));
  }
  for (const std::string text : {"null", "2", "\"[2]\"", "{}", "true"}) {
    invalid("shape", "shape is " + text, one("U8", text, "[0,2]", 2));
    invalid("data-offsets", "data_offsets is " + text, one("U8", "[2]", text, 2));
  }
  for (const std::string text : {"[]", "[0]", "[0,2,2]"})
    invalid("data-offsets", "data_offsets " + text, one("U8", "[2]", text, 2));
}

void Corpus::entries() {
  invalid("entry-fields", "empty entry", with_header(R"({"t":{}})"));
  invalid("entry-fields", "no dtype", with_header(R"({"t":{"shape":[1],"data_offsets":[0,4]}})", 4));
  invalid("entry-fields", "no shape", with_header(R"({"t":{"dtype":"F32","data_offsets":[0,4]}})", 4));
  invalid("entry-fields", "no data_offsets", with_header(R"({"t":{"dtype":"F32","shape":[1]}})", 4));
  for (const std::string dtype : {"F128", "f32", "", "F32 ", "C128", "I4", "F\\u00332x"})
    invalid("dtype", "dtype \"" + dtype + "\"", one(dtype, "[1]", "[0,4]", 4));
  for (const std::string dtype : {"5", "null", "true", "[\"F32\"]", "{\"F32\":{}}", "{\"F32\":1}", "{\"F32\":[]}", "{}",
                                  "{\"F32\":null,\"F16\":null}", "{\"F32\":null,\"F32\":null}", "{\"X\":null}"})
    invalid("dtype", "dtype is " + dtype,
            with_header("{\"t\":{\"dtype\":" + dtype + ",\"shape\":[1],\"data_offsets\":[0,4]}}", 4));
  strict_rejects("dtype", "dtype is an object",
                 with_header(R"({"t":{"dtype":{"F32":null},"shape":[1],"data_offsets":[0,4]}})", 4));
  strict_rejects("entry-type", "entry is an array", with_header(R"({"t":["F32",[1],[0,4]]})", 4));
  strict_rejects("entry-type", "entry is an array, dtype an object",
                 with_header(R"({"t":[{"F32":null},[1],[0,4]]})", 4));
  for (const std::string text :
       {"[]", "[\"F32\"]", "[\"F32\",[1]]", "[\"F32\",[1],[0,4],1]", "[\"F32\",[1],[0,4],[],[]]"})
    add("entry is the array " + text, "entry-type", "entry-fields", with_header("{\"t\":" + text + "}", 4));
  add("entry is an array in the wrong order", "entry-type", "dtype", with_header(R"({"t":[[1],"F32",[0,4]]})", 4));
  for (const std::string text : {"null", "1", "\"F32\"", "true"})
    invalid("entry-type", "entry is " + text, with_header("{\"t\":" + text + "}", 4));
  for (const std::string text : {"nul", "-", "", ",", "1x"})
    invalid("entry-type", "malformed entry " + text, with_header("{\"t\":" + text + "}", 4));
  valid("fields in another order", with_header(R"({"t":{"data_offsets":[0,4],"shape":[1],"dtype":"F32"}})", 4));
  valid("dtype and field names escaped",
        with_header(R"({"t":{"\u0064type":"F\u00332","sh\u0061pe":[1],"data_offsets":[0,4]}})", 4));
  valid("field strides", extra("\"strides\":[1]"));
  valid("field __metadata__ in an entry", extra("\"__metadata__\":{\"a\":1}"));
  for (const std::string field :
       {R"("dtype":"F32")", R"("shape":[1])", R"("data_offsets":[0,4])", R"("dtyp\u0065":"F32")"})
    invalid("duplicate-key", "repeated field " + field, extra(field));
  strict_rejects("duplicate-key", "ignored field repeated", extra("\"x\":1,\"x\":2"));
  strict_rejects("duplicate-key", "ignored object with a repeated key", extra("\"x\":{\"a\":1,\"a\":2}"));
  valid("ignored objects with equal keys", extra("\"x\":{\"a\":1},\"y\":{\"a\":{\"a\":2}}"));
}

void Corpus::layout() {
  const auto two = [](const std::string& a, const std::string& b, std::size_t data) {
    return with_header("{" + named("a", a) + "," + named("b", b) + "}", data);
  };
  invalid("layout", "range reversed", one("F32", "[1]", "[4,0]", 4));
  invalid("layout", "range reversed after a tensor",
          two(entry("F32", "[2]", "[0,8]"), entry("F32", "[1]", "[8,4]"), 8));
  invalid("layout", "first range begins at 8", one("F32", "[1]", "[8,12]", 12));
  invalid("layout", "hole", two(kF32, entry("F32", "[1]", "[8,12]"), 12));
  invalid("layout", "overlap", two(entry("F32", "[2]", "[0,8]"), entry("F32", "[2]", "[4,12]"), 12));
  invalid("layout", "two names for one range", two(kF32, kF32, 4));
  invalid("layout", "range inside another", two(entry("U8", "[16]", "[0,16]"), entry("U8", "[4]", "[4,8]"), 16));
  invalid("layout", "ten names for one range", [] {
    std::string header;
    for (int i = 0; i < 10; ++i) header += (i ? "," : "{") + named(fmt::format("t{}", i), kF32);
    return with_header(header + "}", 4);
  });
  invalid("layout", "100,000 names for overlapping ranges", [] {
    std::string header;
    for (int i = 0; i < 100'000; ++i)
      header += (i ? "," : "{") + named(fmt::format("t{}", i), entry("U8", "[4]", fmt::format("[{},{}]", i, i + 4)));
    return with_header(header + "}", 100'003);
  });
  invalid("file-coverage", "end beyond the file", one("F32", "[1000]", "[0,4000]", 4));
  invalid("size-overflow", "end near 2^64", one("U8", "[18446744073709551608]", "[0,18446744073709551608]", 4));
  valid("unaligned F32 after U8", two(entry("U8", "[1]", "[0,1]"), entry("F32", "[1]", "[1,5]"), 5));
  valid("header in another order than the data", two(entry("F32", "[1]", "[4,8]"), kF32, 8));
  const std::string none = entry("F32", "[0]", "[0,0]");
  valid("three tensors without bytes before data", with_header("{" + named("x", none) + "," + named("y", none) + "," +
                                                                   named("z", none) + "," + named("t", kF32) + "}",
                                                               4));
  valid(
      "two tensors without bytes between data",
      with_header("{" + named("a", kF32) + "," + named("y", entry("U8", "[0,5]", "[4,4]")) + "," +
                      named("z", entry("F64", "[5,0]", "[4,4]")) + "," + named("b", entry("F32", "[1]", "[4,8]")) + "}",
                  8));
  invalid("layout", "no bytes, inside another range",
          two(entry("F32", "[4]", "[0,16]"), entry("F32", "[0]", "[4,4]"), 16));
  valid("no bytes, at the end", two(kF32, entry("F32", "[0]", "[4,4]"), 4));
  invalid("layout", "no bytes, beyond the end", two(kF32, entry("F32", "[0]", "[5,5]"), 4));
  // A broken range is told before a broken size.
  invalid("layout", "hole and wrong size", one("F32", "[5]", "[1,5]", 5));
  invalid("file-coverage", "eight tensors of 2^61-1 bytes", [] {
    constexpr std::uint64_t kSize = (std::uint64_t{1} << 61) - 1;
    std::string header;
    for (std::uint64_t i = 0; i < 8; ++i)
      header += (i ? "," : "{") +
                named(fmt::format("t{}", i),
                      entry("U8", fmt::format("[{}]", kSize), fmt::format("[{},{}]", i * kSize, (i + 1) * kSize)));
    return with_header(header + "}", 0);
  });
}

void Corpus::sizes() {
  invalid("size-mismatch", "bytes fewer than the shape needs", one("F32", "[2]", "[0,4]", 4));
  invalid("size-mismatch", "bytes more than the shape needs", one("F32", "[1]", "[0,8]", 8));
  valid("scalar", one("F32", "[]", "[0,4]", 4));
  invalid("size-mismatch", "scalar without bytes", one("F32", "[]", "[0,0]", 0));
  valid("no elements", one("F32", "[2,0]", "[0,0]", 0));
  invalid("size-mismatch", "no elements but bytes", one("F32", "[2,0]", "[0,4]", 4));
  invalid("size-overflow", "shape [2, 2^64-2]", one("F32", "[2,18446744073709551614]", "[0,4]", 4));
  invalid("size-overflow", "shape [2, 2^63-1]", one("I32", "[2,9223372036854775807]", "[0,4]", 4));
  invalid("size-overflow", "shape [2^32, 2^32], whose product wraps to 0",
          one("U8", "[4294967296,4294967296]", "[0,0]", 0));
  invalid("size-overflow", "shape [2^61] of U8, whose bits wrap to 0", one("U8", "[2305843009213693952]", "[0,0]", 0));
  invalid("size-overflow", "shape [2^63, 2^63, 0]",
          one("U8", "[9223372036854775808,9223372036854775808,0]", "[0,0]", 0));
  valid("shape [0, 2^63, 2^63]", one("U8", "[0,9223372036854775808,9223372036854775808]", "[0,0]", 0));
  valid("shape [2^31, 2^32, 0]", one("U8", "[2147483648,4294967296,0]", "[0,0]", 0));
  valid("shape [0, 2^64-1]", one("F64", "[0,18446744073709551615]", "[0,0]", 0));
  invalid("size-overflow", "overflow and wrong size", one("F32", "[4294967296,4294967296,4]", "[0,4]", 4));
  valid("F4 of 2", one("F4", "[2]", "[0,1]", 1));
  invalid("packing", "F4 of 3", one("F4", "[3]", "[0,2]", 2));
  invalid("packing", "F4 of 1, no bytes", one("F4", "[1]", "[0,0]", 0));
  valid("F4 of [2,1]", one("F4", "[2,1]", "[0,1]", 1));
  for (const std::string dtype : {"F6_E2M3", "F6_E3M2"}) {
    valid(dtype + " of 4", one(dtype, "[4]", "[0,3]", 3));
    invalid("packing", dtype + " of 3", one(dtype, "[3]", "[0,3]", 3));
    invalid("size-mismatch", dtype + " of 4 in 4 bytes", one(dtype, "[4]", "[0,4]", 4));
  }
  for (const std::string dtype : {"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"})
    valid(dtype, one(dtype, "[3]", "[0,3]", 3));
  for (const std::string dtype : {"I16", "U16", "F16", "BF16"}) valid(dtype, one(dtype, "[3]", "[0,6]", 6));
  for (const std::string dtype : {"I32", "U32", "F32"}) valid(dtype, one(dtype, "[3]", "[0,12]", 12));
  for (const std::string dtype : {"C64", "F64", "I64", "U64"}) valid(dtype, one(dtype, "[3]", "[0,24]", 24));
  valid("BOOL that is 2", with_header("{" + named("t", entry("BOOL", "[1]", "[0,1]")) + "}") + "\2");
  valid("NaN with a payload", with_header("{" + named("t", kF32) + "}") + "\xFF\xFF\xFF\xFF");
  valid("rank 100,000", [] { return one("U8", "[" + repeated(100'000, "1", ",") + "]", "[0,1]", 1); });
}

void Corpus::names() {
  valid("name empty", with_header("{" + named("", kF32) + "}", 4));
  valid("name that is a path", with_header("{" + named("../../etc/x", kF32) + "}", 4));
  valid("name with a bidirectional override", with_header("{" + named("weight\\u202etxt", kF32) + "}", 4));
  valid("name of 10 MB", [] { return with_header("{" + named(std::string(10'000'000, 'n'), kF32) + "}", 4); });
  valid("name of 10 million dots",
        [] { return with_header("{" + named(std::string(10'000'000, '.'), kF32) + "}", 4); });
  valid("names that differ by a NUL",
        with_header("{" + named("a", kF32) + "," + named("a\\u0000", entry("F32", "[1]", "[4,8]")) + "}", 8));
  strict_rejects("duplicate-key", "name repeated, same entry",
                 with_header("{" + named("t", kF32) + "," + named("t", kF32) + "}", 4));
  strict_rejects("duplicate-key", "name repeated, once escaped",
                 with_header("{" + named("t", kF32) + "," + named("\\u0074", kF32) + "}", 4));
  strict_rejects(
      "duplicate-key", "name repeated, the first entry lies",
      with_header("{" + named("t", entry("F32", "[250000000]", "[0,1000000000]")) + "," + named("t", kF32) + "}", 4));
  add("name repeated, the last entry lies", "duplicate-key", "file-coverage",
      with_header("{" + named("t", kF32) + "," + named("t", entry("F32", "[250000000]", "[0,1000000000]")) + "}", 4));
  strict_rejects(
      "duplicate-key", "name repeated thrice among others",
      with_header("{" + named("t", entry("F32", "[9]", "[9,9]")) + "," + named("a", kF32) + "," +
                      named("t", entry("F32", "[8]", "[9,9]")) + "," + named("b", entry("F32", "[1]", "[8,12]")) + "," +
                      named("t", entry("F32", "[1]", "[4,8]")) + "}",
                  12));
  add("name repeated, two ranges", "duplicate-key", "layout",
      with_header("{" + named("t", kF32) + "," + named("t", entry("F32", "[1]", "[4,8]")) + "}", 8));
  invalid("dtype", "name repeated, the first has an unknown dtype",
          with_header("{" + named("t", entry("F99", "[1]", "[0,4]")) + "," + named("t", kF32) + "}", 4));
  invalid("json-syntax", "100 MB of entries without fields", [] {
    std::string header = "{";
    header.reserve(99'999'999);
    while (header.size() < 99'999'980) header += "\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},";
    header.resize(99'999'980);
    return with_header(header);
  });
}

void Corpus::metadata() {
  const auto with_metadata = [](const std::string& value) {
    return with_header("{" + named("__metadata__", value) + "," + named("t", kF32) + "}", 4);
  };
  valid("metadata", with_metadata(R"({"format":"pt","a":""})"));
  valid("metadata empty", with_metadata("{}"));
  valid("metadata after the tensors", with_header("{" + named("t", kF32) + R"(,"__metadata__":{"a":"b"}})", 4));
  valid("metadata, name escaped", with_header(R"({"\u005f_metadata__":{"a":"b"}})"));
  valid("metadata with an empty key and escapes", with_metadata(R"({"":"\u0000\ud83d\ude00\n"})"));
  strict_rejects("metadata-type", "metadata is null", with_metadata("null"));
  for (const std::string value : {"[]", "\"a\"", "1", "true", "[[\"a\",\"b\"]]"})
    invalid("metadata-type", "metadata is " + value, with_metadata(value));
  for (const std::string value : {"1", "true", "null", "{}", "[]", "nul", ""})
    invalid("metadata-type", "metadata value " + value, with_metadata("{\"a\":" + value + "}"));
  invalid("json-syntax", "metadata value with a lone surrogate", with_metadata(R"({"a":"\ud800"})"));
  invalid("json-syntax", "metadata with a comma at the end", with_metadata(R"({"a":"b",})"));
  strict_rejects("duplicate-key", "metadata repeats a key", with_metadata(R"({"a":"b","a":"c"})"));
  invalid("metadata-type", "metadata repeats a key, the first value a number", with_metadata(R"({"a":1,"a":"c"})"));
  for (const std::string value : {"{}", "null", "{\"a\":\"b\"}"})
    invalid("duplicate-key", "metadata twice, again " + value,
            with_header("{" + named("__metadata__", "{}") + "," + named("__metadata__", value) + "}"));
  add("metadata twice, null first", "metadata-type", "duplicate-key",
      with_header("{" + named("__metadata__", "null") + "," + named("__metadata__", "{}") + "}"));
  invalid("metadata-type", "tensor named __metadata__", with_header("{" + named("__metadata__", kF32) + "}", 4));
  invalid("entry-fields", "__METADATA__ is a tensor's name", with_header(R"({"__METADATA__":{"a":"b"}})"));
  valid("tensor named metadata", with_header("{" + named("metadata", kF32) + "}", 4));
}

}  // namespace

std::vector<CorpusCase> corpus() {
  Corpus c;
  c.framing();
  c.encoding();
  c.json();
  c.numbers();
  c.entries();
  c.layout();
  c.sizes();
  c.names();
  c.metadata();
  return std::move(c.cases);
}

}  // namespace safelight::test
