#include "conformance/corpus.h"

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

  // Why the verdicts of the cases that follow are what they are.
  void because(std::string why) { why_ = std::move(why); }

  template <class Bytes>
  void add(const std::string& name, const Verdicts& verdicts, Bytes bytes) {
    if constexpr (std::is_invocable_v<Bytes>)
      cases.push_back({name, bytes, verdicts, why_});
    else
      cases.push_back({name, [bytes] { return std::string(bytes); }, verdicts, why_});
  }
  template <class Bytes>
  void valid(const std::string& name, Bytes bytes) {
    add(name, {"ok", "ok", "ok"}, bytes);
  }
  template <class Bytes>
  void invalid(const std::string& rule, const std::string& name, Bytes bytes) {
    add(name, {rule, rule, rule}, bytes);
  }
  // What only the reference accepts: the file means something, so that it can be written anew.
  template <class Bytes>
  void strict_rejects(const std::string& rule, const std::string& name, Bytes bytes) {
    add(name, {rule, "ok", "ok"}, bytes);
  }
  // What no reader accepts, but all that was meant is there.
  template <class Bytes>
  void repairable(const std::string& rule, const std::string& name, Bytes bytes) {
    add(name, {rule, rule, "ok"}, bytes);
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

 private:
  std::string why_;
};

void Corpus::framing() {
  because("a file begins with the 8 bytes of N, the length of the header");
  invalid("header-too-small", "empty file", "");
  invalid("header-too-small", "seven bytes", std::string(7, '\0'));
  invalid("header-too-small", "git lfs pointer cut short", "version");
  because("a header of no bytes is no JSON object");
  add("header length zero", {"header-start", "json-syntax", "json-syntax"}, std::string(8, '\0'));
  because("N must not point beyond the end of the file");
  invalid("header-length", "header length 60, nothing follows", length_field(60));
  because("N is at most 100,000,000; a reader that adds 8 first may wrap around to a small number");
  invalid("header-too-large", "header length 2^64-1", length_field(~std::uint64_t{0}));
  invalid("header-too-large", "header length 2^63", length_field(std::uint64_t{1} << 63));
  because("the limit is checked before the size of the file");
  invalid("header-too-large", "header length 100,000,001 in a tiny file", length_field(100'000'001) + "{}");
  because("N at the limit is fine, but not beyond the end of the file");
  invalid("header-length", "header length 100,000,000 in a tiny file", length_field(100'000'000) + "{}");
  because("the limit is inclusive");
  valid("header of 100,000,000 bytes", [] { return with_header("{}" + std::string(99'999'998, ' ')); });
  because("one byte above the limit, although all of it is there");
  invalid("header-too-large", "header of 100,000,001 bytes",
          [] { return with_header("{}" + std::string(99'999'999, ' ')); });
  because("the 8 bytes of N do not count as header");
  invalid("header-length", "header one byte longer than the file", length_field(3) + "{}");
  because("N is little-endian");
  invalid("header-too-large", "big-endian header length", std::string(7, '\0') + "\x02{}");
  because("another kind of file; its first 8 bytes read as N are absurd");
  invalid("header-too-large", "git lfs pointer",
          "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 1234\n");
  invalid("header-too-large", "pickle", std::string("\x80\x02}q\0(X\1\0\0\0aq\1K\1u.", 17));
  invalid("header-too-large", "zip", "PK\x03\x04\x14\x08\x08\x08" + std::string(100, 'x'));
  invalid("header-too-large", "web page", "<!DOCTYPE html>\n<html><body>Not Found</body></html>\n");
  invalid("header-too-large", "json without length field", "{\"t\":" + kF32 + "}");
  because("a sound file, whatever else its first bytes might begin");
  // 0x80 0x02 begins a pickle and is also the header length 640.
  valid("header length that begins like a pickle", [] { return with_header("{}" + std::string(638, ' ')); });
  because("an empty object is a header: no tensors, no data");
  valid("no tensors", with_header("{}"));
  because("bytes that belong to no tensor could be another file in disguise; leaving them out loses no tensor");
  repairable("file-coverage", "no tensors but one byte of data", with_header("{}", 1));
  because("any JSON white space may follow the object");
  valid("padding of every white space", with_header("{}\r \t\n"));
  because("the specification wants '{' first; the reference skips white space");
  strict_rejects("header-start", "white space before the header", with_header("\t\n{}"));
  because("NUL is not white space in JSON, but as padding it says nothing");
  repairable("json-syntax", "padding of NUL", with_header(std::string("{}\0\0\0\0\0\0", 8)));
  because("JSON begins without a byte order mark; leaving it out changes nothing");
  add("byte order mark", {"header-start", "json-syntax", "ok"}, with_header("\xEF\xBB\xBF{}"));
  because("after the object only white space may follow, and what else was meant is unknown");
  invalid("json-syntax", "garbage after the header's object", with_header("{}x"));
  invalid("json-syntax", "two objects", with_header("{}{}"));
  invalid("json-syntax", "closing bracket after the header's object", with_header("{}}"));
  because("a header must hold an object");
  add("white space only", {"header-start", "json-syntax", "json-syntax"}, with_header("    \n\t"));
  because("the header is an object, no other JSON value");
  for (const std::string text : {"[]", "null", "1", "\"x\"", "true", "]", "}"})
    add("header is " + text, {"header-start", "json-syntax", "json-syntax"}, with_header(text));
  because("N and the data need no alignment");
  valid("odd header length, unaligned data", with_header("{" + named("t", kF32) + "} ", 4));
  because("the last tensor is cut off; its bytes cannot be made up");
  invalid("file-coverage", "data two bytes short", one("F32", "[1]", "[0,4]", 2));
  because(
      "the tensors must cover the file to its end: what follows could be another file in disguise; it belongs to no "
      "tensor");
  repairable("file-coverage", "bytes after the data", with_header("{" + named("t", kF32) + "}", 4) + "PK\x05\x06");
}

void Corpus::encoding() {
  const auto with_name = [](const std::string& name) { return with_header("{" + named(name, kF32) + "}", 4); };
  because("the header is UTF-8, and FF never occurs in it");
  invalid("header-utf8", "FF in the header", with_header("{}\xFF"));
  invalid("header-utf8", "FF in a name", with_name("\xFF"));
  because("UTF-8 has one form for each character, the shortest");
  invalid("header-utf8", "overlong NUL", with_name("\xC0\x80"));
  invalid("header-utf8", "overlong slash", with_name("\xE0\x80\xAF"));
  because("surrogates are not characters and have no UTF-8");
  invalid("header-utf8", "surrogate encoded in UTF-8", with_name("\xED\xA0\x80"));
  because("there are no characters above U+10FFFF");
  invalid("header-utf8", "above U+10FFFF", with_name("\xF4\x90\x80\x80"));
  because("the header ends within a character");
  invalid("header-utf8", "UTF-8 sequence cut by the end of the header", with_header("{\"t\xE2\x82"));
  because("of two faults the encoding is told first");
  // UTF-8 is checked before JSON.
  invalid("header-utf8", "not UTF-8 and not JSON", with_header("x\xFF"));
  because("the last character of all, and the last before the surrogates");
  valid("U+10FFFF", with_name("\xF4\x8F\xBF\xBF"));
  valid("U+D7FF, the last before the surrogates", with_name("\xED\x9F\xBF"));
  because("two escapes that are one character");
  valid("escaped surrogate pair", with_name("\\ud83d\\ude00"));
  because("NUL may be in a name, escaped; a reader must not take it for the end");
  valid("escaped NUL", with_name("a\\u0000b"));
  because("JSON's eight short escapes, \\/ included");
  valid("every short escape", with_name("\\\"\\\\\\/\\b\\f\\n\\r\\t"));
  because("only characters below U+0020 need an escape");
  valid("delete character", with_name("\x7F"));
  because("an escaped surrogate without its partner is no character");
  for (const std::string bad : {"\\ud800", "\\udc00", "\\ud800\\u0041", "\\udc00\\ud800", "\\ud800x", "\\ud800\\n",
                                "\\ud800\\ud800", "x\\udfffy"})
    invalid("json-syntax", "lone surrogate " + bad, with_name(bad));
  because("JSON does not know this escape");
  for (const std::string bad : {"\\x41", "\\u12", "\\u12g4", "\\'", "\\"})
    invalid("json-syntax", "bad escape " + bad, with_name(bad));
  because("a control character in a string must be escaped");
  for (int c : {0x00, 0x01, 0x09, 0x0A, 0x0D, 0x1F})
    invalid("json-syntax", fmt::format("raw control character {:02x} in a name", c),
            with_name(std::string("a") + static_cast<char>(c)));
}

void Corpus::json() {
  because("the object does not end within the header");
  for (const std::string text :
       {"{", "{\"", "{\"t", "{\"t\"", "{\"t\":", "{\"t\":{", "{\"t\":{\"dtype\":", "{\"t\":{\"dtype\":\"F32\"",
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[", "{\"t\":{\"dtype\":\"F32\",\"shape\":[1"})
    invalid("json-syntax", "cut after " + text, with_header(text));
  invalid("json-syntax", "cut before the last bracket", with_header("{" + named("t", kF32), 4));
  because("exactly one comma stands between two members, none before the first or after the last");
  invalid("json-syntax", "comma after the last entry", with_header("{" + named("t", kF32) + ",}", 4));
  invalid("json-syntax", "comma before the first entry", with_header("{," + named("t", kF32) + "}", 4));
  invalid("json-syntax", "two commas",
          with_header("{" + named("t", kF32) + ",," + named("u", entry("U8", "[0]", "[4,4]")) + "}", 4));
  invalid("json-syntax", "no comma",
          with_header("{" + named("t", kF32) + named("u", entry("U8", "[0]", "[4,4]")) + "}", 4));
  because("a colon stands between a name and its value");
  invalid("json-syntax", "no colon", with_header("{\"t\"" + kF32 + "}", 4));
  invalid("json-syntax", "comma for colon", with_header("{\"t\"," + kF32 + "}", 4));
  because("names are strings in double quotes");
  invalid("json-syntax", "single quotes", with_header("{'t':" + kF32 + "}", 4));
  invalid("json-syntax", "name without quotes", with_header("{t:" + kF32 + "}", 4));
  invalid("json-syntax", "number as name", with_header("{1:" + kF32 + "}", 4));
  because("JSON has no comments");
  invalid("json-syntax", "comment", with_header("{/* */" + named("t", kF32) + "}", 4));
  invalid("json-syntax", "comment after the object", with_header("{" + named("t", kF32) + "}//", 4));
  because("white space is space, tab, line feed and carriage return only");
  invalid("json-syntax", "form feed as white space", with_header("{\f" + named("t", kF32) + "}", 4));
  invalid("json-syntax", "no-break space as white space", with_header("{\xC2\xA0" + named("t", kF32) + "}", 4));
  because("brackets close in the order in which they opened");
  invalid("json-syntax", "brackets crossed", with_header("{" + named("t", "{\"x\":[1}") + "]}"));
  because("white space may stand between any two tokens");
  valid("white space everywhere", with_header("{ \"t\" :\n{ \"dtype\"\t:\r\"F32\" , \"shape\" : [ 1 ] , "
                                              "\"data_offsets\" : [ 0 , 4 ] } }",
                                              4));
  because("a comma must be followed by another member");
  invalid("json-syntax", "comma at the end of an entry", extra(""));
  invalid("json-syntax", "comma at the end of an array", extra("\"x\":[1,]"));
  because("a field that is ignored must still be JSON");
  for (const std::string word : {"NaN",       "Infinity", "-Infinity",   "nan",       "tru",
                                 "truex",     "True",     "nul",         "undefined", "1x",
                                 "'a'",       "x",        "\"a\"b",      "1 2",       "[1 2]",
                                 "[,]",       "[1,,2]",   "{,}",         "{\"a\"}",   "{\"a\":}",
                                 "{\"a\" 1}", "{1:2}",    "\"\\ud800\"", "\"\\x\"",   "{\"\\ud800\":1}",
                                 ""})
    invalid("json-syntax", "ignored field with value " + word, extra("\"x\":" + word));
  because("other fields of an entry are ignored, whatever their value");
  for (const std::string word :
       {"true", "false", "null", "\"s\"", "[]", "{}", "[1,\"a\",[null]]", "{\"a\":{\"b\":[]}}"})
    valid("ignored field with value " + word, extra("\"x\":" + word));
  because("values may lie 127 deep inside each other, the header and the entry included, ignored ones too");
  // The header's object and the entry are two of the 127 levels.
  valid("ignored field nested 100 deep", extra("\"x\":" + nested(100)));
  valid("ignored field nested 125 deep", extra("\"x\":" + nested(125)));
  because("deeper than 127: a recursive reader must not run out of stack");
  invalid("json-depth", "ignored field nested 126 deep", extra("\"x\":" + nested(126)));
  invalid("json-depth", "ignored field nested 200 deep", extra("\"x\":" + nested(200)));
  invalid("json-depth", "ignored field nested 50 million deep", [] { return extra("\"x\":" + nested(49'000'000)); });
  invalid("json-depth", "ignored objects nested 126 deep",
          extra("\"x\":" + repeated(126, "{\"a\":", "") + "1" + std::string(126, '}')));
}

void Corpus::numbers() {
  because("an ignored number may have any size and sign that fits a double");
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
  because(
      "the number does not fit a double, by the reference's arithmetic: rounded significand times rounded power of "
      "ten");
  for (const std::string n :
       {"1e309", "-1e999", "1e999", "1.8e308", "1.7976931348623158e308", "17976931348623158e292", "1e99999999999"})
    invalid("json-syntax", "ignored number out of range " + n, extra("\"x\":" + n));
  invalid("json-syntax", "ignored number of 310 digits", extra("\"x\":1" + std::string(309, '0')));
  because("the number does not follow JSON's grammar");
  for (const std::string n :
       {"-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "1e5.5", "01", "-01", "00", "0x10", "1_000", "--1", "1,5e"})
    invalid("json-syntax", "ignored malformed number " + n, extra("\"x\":" + n));
  because("sizes and offsets are integers from 0 to 2^64-1, without sign, point or exponent");
  for (const std::string n : {"-1", "2.0", "2e0", "-0", "18446744073709551616", "null", "\"2\"", "[2]", "{}", "true"}) {
    invalid("shape", "shape of " + n, one("U8", "[" + n + "]", "[0,2]", 2));
    invalid("data-offsets", "data_offsets to " + n, one("U8", "[2]", "[0," + n + "]", 2));
  }
  because("sizes and offsets follow JSON's grammar of numbers");
  for (const std::string n : {"02", "+2", "2.", "0x2", "1e999", ""}) {
    invalid("shape", "malformed shape of " + n, one("U8", "[" + n + ",1]", "[0,2]", 2));
    invalid("data-offsets", "malformed data_offsets to " + n, one("U8", "[2]", "[" + n + ",2]", 2));
  }
  because("shape and data_offsets are arrays");
  for (const std::string text : {"null", "2", "\"[2]\"", "{}", "true"}) {
    invalid("shape", "shape is " + text, one("U8", text, "[0,2]", 2));
    invalid("data-offsets", "data_offsets is " + text, one("U8", "[2]", text, 2));
  }
  because("data_offsets are two numbers: begin and end");
  for (const std::string text : {"[]", "[0]", "[0,2,2]"})
    invalid("data-offsets", "data_offsets " + text, one("U8", "[2]", text, 2));
}

void Corpus::entries() {
  because("a tensor needs dtype, shape and data_offsets; none has a default");
  invalid("entry-fields", "empty entry", with_header(R"({"t":{}})"));
  invalid("entry-fields", "no dtype", with_header(R"({"t":{"shape":[1],"data_offsets":[0,4]}})", 4));
  invalid("entry-fields", "no shape", with_header(R"({"t":{"dtype":"F32","data_offsets":[0,4]}})", 4));
  invalid("entry-fields", "no data_offsets", with_header(R"({"t":{"dtype":"F32","shape":[1]}})", 4));
  because("dtypes are the 22 names, in exactly this spelling");
  for (const std::string dtype : {"F128", "f32", "", "F32 ", "C128", "I4", "F\\u00332x"})
    invalid("dtype", "dtype \"" + dtype + "\"", one(dtype, "[1]", "[0,4]", 4));
  because("a dtype is a string");
  for (const std::string dtype : {"5", "null", "true", "[\"F32\"]", "{\"F32\":{}}", "{\"F32\":1}", "{\"F32\":[]}", "{}",
                                  "{\"F32\":null,\"F16\":null}", "{\"F32\":null,\"F32\":null}", "{\"X\":null}"})
    invalid("dtype", "dtype is " + dtype,
            with_header("{\"t\":{\"dtype\":" + dtype + ",\"shape\":[1],\"data_offsets\":[0,4]}}", 4));
  because("an accident of the reference's parser: a name as an object whose value is null");
  strict_rejects("dtype", "dtype is an object",
                 with_header(R"({"t":{"dtype":{"F32":null},"shape":[1],"data_offsets":[0,4]}})", 4));
  because("an accident of the reference's parser: the fields in order, as an array");
  strict_rejects("entry-type", "entry is an array", with_header(R"({"t":["F32",[1],[0,4]]})", 4));
  strict_rejects("entry-type", "entry is an array, dtype an object",
                 with_header(R"({"t":[{"F32":null},[1],[0,4]]})", 4));
  because("an entry as an array, where it passes at all, holds exactly dtype, shape and data_offsets");
  for (const std::string text :
       {"[]", "[\"F32\"]", "[\"F32\",[1]]", "[\"F32\",[1],[0,4],1]", "[\"F32\",[1],[0,4],[],[]]"})
    add("entry is the array " + text, {"entry-type", "entry-fields", "entry-fields"},
        with_header("{\"t\":" + text + "}", 4));
  because("an entry as an array, where it passes at all, begins with the dtype");
  add("entry is an array in the wrong order", {"entry-type", "dtype", "dtype"},
      with_header(R"({"t":[[1],"F32",[0,4]]})", 4));
  because("a tensor's entry is an object");
  for (const std::string text : {"null", "1", "\"F32\"", "true"})
    invalid("entry-type", "entry is " + text, with_header("{\"t\":" + text + "}", 4));
  because("a tensor's entry is an object, and this is not even JSON");
  for (const std::string text : {"nul", "-", "", ",", "1x"})
    invalid("entry-type", "malformed entry " + text, with_header("{\"t\":" + text + "}", 4));
  because("members of an object have no order");
  valid("fields in another order", with_header(R"({"t":{"data_offsets":[0,4],"shape":[1],"dtype":"F32"}})", 4));
  because("escapes are decoded before names are compared");
  valid("dtype and field names escaped",
        with_header(R"({"t":{"\u0064type":"F\u00332","sh\u0061pe":[1],"data_offsets":[0,4]}})", 4));
  because("fields that the format does not know are ignored: they have no meaning");
  valid("field strides", extra("\"strides\":[1]"));
  valid("field __metadata__ in an entry", extra("\"__metadata__\":{\"a\":1}"));
  because("readers could differ in which of the two fields counts");
  for (const std::string field :
       {R"("dtype":"F32")", R"("shape":[1])", R"("data_offsets":[0,4])", R"("dtyp\u0065":"F32")"})
    invalid("duplicate-key", "repeated field " + field, extra(field));
  because("the specification forbids repeated keys everywhere; the reference does not look at ignored ones");
  strict_rejects("duplicate-key", "ignored field repeated", extra("\"x\":1,\"x\":2"));
  strict_rejects("duplicate-key", "ignored object with a repeated key", extra("\"x\":{\"a\":1,\"a\":2}"));
  because("equal keys of different objects are not repeated keys");
  valid("ignored objects with equal keys", extra("\"x\":{\"a\":1},\"y\":{\"a\":{\"a\":2}}"));
}

void Corpus::layout() {
  const auto two = [](const std::string& a, const std::string& b, std::size_t data) {
    return with_header("{" + named("a", a) + "," + named("b", b) + "}", data);
  };
  because("a range ends where it begins or later");
  invalid("layout", "range reversed", one("F32", "[1]", "[4,0]", 4));
  invalid("layout", "range reversed after a tensor",
          two(entry("F32", "[2]", "[0,8]"), entry("F32", "[1]", "[8,4]"), 8));
  because("no byte of the data may lie outside all tensors; leaving it out loses no tensor");
  repairable("layout", "first range begins at 8", one("F32", "[1]", "[8,12]", 12));
  repairable("layout", "hole", two(kF32, entry("F32", "[1]", "[8,12]"), 12));
  because("ranges must not overlap: a small file could claim to be large, and which tensor owns the bytes is unknown");
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
  because("the tensor claims more bytes than the file has");
  invalid("file-coverage", "end beyond the file", one("F32", "[1000]", "[0,4000]", 4));
  because("the tensor's bits do not fit 64 bits, told before its end is compared with the file");
  invalid("size-overflow", "end near 2^64", one("U8", "[18446744073709551608]", "[0,18446744073709551608]", 4));
  because("a tensor may begin at any byte; readers must not assume alignment");
  valid("unaligned F32 after U8", two(entry("U8", "[1]", "[0,1]"), entry("F32", "[1]", "[1,5]"), 5));
  because("the header's order is not that of the data");
  valid("header in another order than the data", two(entry("F32", "[1]", "[4,8]"), kF32, 8));
  because("tensors without bytes may share an offset, wherever one range ends and the next begins");
  const std::string none = entry("F32", "[0]", "[0,0]");
  valid("three tensors without bytes before data", with_header("{" + named("x", none) + "," + named("y", none) + "," +
                                                                   named("z", none) + "," + named("t", kF32) + "}",
                                                               4));
  valid(
      "two tensors without bytes between data",
      with_header("{" + named("a", kF32) + "," + named("y", entry("U8", "[0,5]", "[4,4]")) + "," +
                      named("z", entry("F64", "[5,0]", "[4,4]")) + "," + named("b", entry("F32", "[1]", "[4,8]")) + "}",
                  8));
  because("an empty range, too, begins where the last ended; it has no bytes that could be lost");
  repairable("layout", "no bytes, inside another range",
             two(entry("F32", "[4]", "[0,16]"), entry("F32", "[0]", "[4,4]"), 16));
  because("an empty range may lie at the end of the data");
  valid("no bytes, at the end", two(kF32, entry("F32", "[0]", "[4,4]"), 4));
  because("an empty range beyond the data leaves a hole before it; it has no bytes that could be lost");
  repairable("layout", "no bytes, beyond the end", two(kF32, entry("F32", "[0]", "[5,5]"), 4));
  because("a broken range is told before a broken size; repair could close the hole, but not guess the shape");
  // A broken range is told before a broken size.
  add("hole and wrong size", {"layout", "layout", "size-mismatch"}, one("F32", "[5]", "[1,5]", 5));
  because("the ends sum up to nearly 2^64: a reader that adds the header's length must not wrap around");
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
  because("shape and dtype give the number of bytes, and the range must agree");
  invalid("size-mismatch", "bytes fewer than the shape needs", one("F32", "[2]", "[0,4]", 4));
  invalid("size-mismatch", "bytes more than the shape needs", one("F32", "[1]", "[0,8]", 8));
  because("an empty shape is one element");
  valid("scalar", one("F32", "[]", "[0,4]", 4));
  because("an empty shape is one element, not none");
  invalid("size-mismatch", "scalar without bytes", one("F32", "[]", "[0,0]", 0));
  because("a dimension of zero is no elements and no bytes");
  valid("no elements", one("F32", "[2,0]", "[0,0]", 0));
  because("a dimension of zero is no bytes");
  invalid("size-mismatch", "no elements but bytes", one("F32", "[2,0]", "[0,4]", 4));
  because("the product, or its bits, do not fit 64 bits; a reader that wraps around may take them for few");
  invalid("size-overflow", "shape [2, 2^64-2]", one("F32", "[2,18446744073709551614]", "[0,4]", 4));
  invalid("size-overflow", "shape [2, 2^63-1]", one("I32", "[2,9223372036854775807]", "[0,4]", 4));
  invalid("size-overflow", "shape [2^32, 2^32], whose product wraps to 0",
          one("U8", "[4294967296,4294967296]", "[0,0]", 0));
  invalid("size-overflow", "shape [2^61] of U8, whose bits wrap to 0", one("U8", "[2305843009213693952]", "[0,0]", 0));
  because("the product is taken left to right: it overflows before it meets the zero");
  invalid("size-overflow", "shape [2^63, 2^63, 0]",
          one("U8", "[9223372036854775808,9223372036854775808,0]", "[0,0]", 0));
  because("the product is taken left to right: after a zero nothing overflows");
  valid("shape [0, 2^63, 2^63]", one("U8", "[0,9223372036854775808,9223372036854775808]", "[0,0]", 0));
  because("the product fits 64 bits before it meets the zero");
  valid("shape [2^31, 2^32, 0]", one("U8", "[2147483648,4294967296,0]", "[0,0]", 0));
  valid("shape [0, 2^64-1]", one("F64", "[0,18446744073709551615]", "[0,0]", 0));
  because("of two faults the overflow is told first");
  invalid("size-overflow", "overflow and wrong size", one("F32", "[4294967296,4294967296,4]", "[0,4]", 4));
  because("two elements of 4 bits fill a byte");
  valid("F4 of 2", one("F4", "[2]", "[0,1]", 1));
  because("packed elements must fill whole bytes");
  invalid("packing", "F4 of 3", one("F4", "[3]", "[0,2]", 2));
  invalid("packing", "F4 of 1, no bytes", one("F4", "[1]", "[0,0]", 0));
  because("only the total must fill whole bytes, not each row");
  valid("F4 of [2,1]", one("F4", "[2,1]", "[0,1]", 1));
  because("four elements of 6 bits fill three bytes, and fewer do not");
  for (const std::string dtype : {"F6_E2M3", "F6_E3M2"}) {
    valid(dtype + " of 4", one(dtype, "[4]", "[0,3]", 3));
    invalid("packing", dtype + " of 3", one(dtype, "[3]", "[0,3]", 3));
    invalid("size-mismatch", dtype + " of 4 in 4 bytes", one(dtype, "[4]", "[0,4]", 4));
  }
  because("the bytes per element of each dtype");
  for (const std::string dtype : {"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"})
    valid(dtype, one(dtype, "[3]", "[0,3]", 3));
  for (const std::string dtype : {"I16", "U16", "F16", "BF16"}) valid(dtype, one(dtype, "[3]", "[0,6]", 6));
  for (const std::string dtype : {"I32", "U32", "F32"}) valid(dtype, one(dtype, "[3]", "[0,12]", 12));
  for (const std::string dtype : {"C64", "F64", "I64", "U64"}) valid(dtype, one(dtype, "[3]", "[0,24]", 24));
  because("values are not looked at");
  valid("BOOL that is 2", with_header("{" + named("t", entry("BOOL", "[1]", "[0,1]")) + "}") + "\2");
  valid("NaN with a payload", with_header("{" + named("t", kF32) + "}") + "\xFF\xFF\xFF\xFF");
  because("the number of dimensions has no limit");
  valid("rank 100,000", [] { return one("U8", "[" + repeated(100'000, "1", ",") + "]", "[0,1]", 1); });
}

void Corpus::names() {
  because("any string is a name; programs that make paths of names must look at them");
  valid("name empty", with_header("{" + named("", kF32) + "}", 4));
  valid("name that is a path", with_header("{" + named("../../etc/x", kF32) + "}", 4));
  valid("name with a bidirectional override", with_header("{" + named("weight\\u202etxt", kF32) + "}", 4));
  because("the length of a name has no limit but the header's");
  valid("name of 10 MB", [] { return with_header("{" + named(std::string(10'000'000, 'n'), kF32) + "}", 4); });
  valid("name of 10 million dots",
        [] { return with_header("{" + named(std::string(10'000'000, '.'), kF32) + "}", 4); });
  because("names are compared whole; a reader must not stop at a NUL");
  valid("names that differ by a NUL",
        with_header("{" + named("a", kF32) + "," + named("a\\u0000", entry("F32", "[1]", "[4,8]")) + "}", 8));
  because("the specification forbids repeated names; in the reference the last one counts");
  strict_rejects("duplicate-key", "name repeated, same entry",
                 with_header("{" + named("t", kF32) + "," + named("t", kF32) + "}", 4));
  strict_rejects("duplicate-key", "name repeated, once escaped",
                 with_header("{" + named("t", kF32) + "," + named("\\u0074", kF32) + "}", 4));
  strict_rejects(
      "duplicate-key", "name repeated, the first entry lies",
      with_header("{" + named("t", entry("F32", "[250000000]", "[0,1000000000]")) + "," + named("t", kF32) + "}", 4));
  because("the last entry counts, and it claims more than the file has");
  add("name repeated, the last entry lies", {"duplicate-key", "file-coverage", "file-coverage"},
      with_header("{" + named("t", kF32) + "," + named("t", entry("F32", "[250000000]", "[0,1000000000]")) + "}", 4));
  because("the last of each name counts, and what they leave is in order");
  strict_rejects(
      "duplicate-key", "name repeated thrice among others",
      with_header("{" + named("t", entry("F32", "[9]", "[9,9]")) + "," + named("a", kF32) + "," +
                      named("t", entry("F32", "[8]", "[9,9]")) + "," + named("b", entry("F32", "[1]", "[8,12]")) + "," +
                      named("t", entry("F32", "[1]", "[4,8]")) + "}",
                  12));
  because("two different tensors of one name: which one is meant is unknown");
  add("name repeated, two ranges", {"duplicate-key", "layout", "duplicate-key"},
      with_header("{" + named("t", kF32) + "," + named("t", entry("F32", "[1]", "[4,8]")) + "}", 8));
  because("every entry must be sound, those that do not count too");
  invalid("dtype", "name repeated, the first has an unknown dtype",
          with_header("{" + named("t", entry("F99", "[1]", "[0,4]")) + "," + named("t", kF32) + "}", 4));
  because("a large broken header must be refused within bounded time and memory");
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
  because("metadata maps strings to strings, wherever in the header it stands");
  valid("metadata", with_metadata(R"({"format":"pt","a":""})"));
  valid("metadata empty", with_metadata("{}"));
  valid("metadata after the tensors", with_header("{" + named("t", kF32) + R"(,"__metadata__":{"a":"b"}})", 4));
  because("escapes are decoded before names are compared");
  valid("metadata, name escaped", with_header(R"({"\u005f_metadata__":{"a":"b"}})"));
  because("any string is a key or a value");
  valid("metadata with an empty key and escapes", with_metadata(R"({"":"\u0000\ud83d\ude00\n"})"));
  because("the specification wants an object; the reference takes null for none");
  strict_rejects("metadata-type", "metadata is null", with_metadata("null"));
  because("metadata is an object");
  for (const std::string value : {"[]", "\"a\"", "1", "true", "[[\"a\",\"b\"]]"})
    invalid("metadata-type", "metadata is " + value, with_metadata(value));
  because("values of metadata are strings");
  for (const std::string value : {"1", "true", "null", "{}", "[]", "nul", ""})
    invalid("metadata-type", "metadata value " + value, with_metadata("{\"a\":" + value + "}"));
  because("metadata is JSON like everything else");
  invalid("json-syntax", "metadata value with a lone surrogate", with_metadata(R"({"a":"\ud800"})"));
  invalid("json-syntax", "metadata with a comma at the end", with_metadata(R"({"a":"b",})"));
  because("the specification forbids repeated keys; in the reference the last one counts");
  strict_rejects("duplicate-key", "metadata repeats a key", with_metadata(R"({"a":"b","a":"c"})"));
  because("every value must be a string, that of a repeated key too");
  invalid("metadata-type", "metadata repeats a key, the first value a number", with_metadata(R"({"a":1,"a":"c"})"));
  because("two metadata objects: readers could differ in which one counts");
  for (const std::string value : {"{}", "null", "{\"a\":\"b\"}"})
    invalid("duplicate-key", "metadata twice, again " + value,
            with_header("{" + named("__metadata__", "{}") + "," + named("__metadata__", value) + "}"));
  because("two metadata members, although the first is null");
  add("metadata twice, null first", {"metadata-type", "duplicate-key", "duplicate-key"},
      with_header("{" + named("__metadata__", "null") + "," + named("__metadata__", "{}") + "}"));
  because("__metadata__ cannot be a tensor's name");
  invalid("metadata-type", "tensor named __metadata__", with_header("{" + named("__metadata__", kF32) + "}", 4));
  because("only __metadata__ in lower case is metadata; anything else is a tensor and needs its fields");
  invalid("entry-fields", "__METADATA__ is a tensor's name", with_header(R"({"__METADATA__":{"a":"b"}})"));
  because("only __metadata__ is special");
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
