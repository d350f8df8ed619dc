#include "format/header.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/printable.h"
#include "core/utf8.h"
#include "format/json_number.h"
#include "format/limits.h"
#include "format/rules.h"

namespace safelight {
namespace {

using simdjson::ondemand::array;
using simdjson::ondemand::object;
using simdjson::ondemand::value;

constexpr std::string_view kMetadata = "__metadata__";
constexpr int kDeepest = 127;  // objects and arrays inside each other, the outermost included
constexpr std::string_view kJsonSpace = " \t\n\r";

// The keys of one object, to find the ones it repeats.
using Keys = std::set<std::string>;

// A tensor's entry has three known fields, in this order where it is an array (compat).
constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape", "data_offsets"};

// Where the first control character inside a string is, or the quote that opens a string without end. simdjson finds
// both before it has tokens, and does not say where.
std::size_t string_fault(std::string_view json) {
  std::size_t opened = json.size();
  for (std::size_t i = 0; i < json.size(); ++i) {
    const bool inside = opened < json.size();
    if (inside && static_cast<unsigned char>(json[i]) < 0x20) return i;
    if (inside && json[i] == '\\')
      ++i;
    else if (json[i] == '"')
      opened = inside ? json.size() : i;
  }
  return opened;
}

// One header. simdjson splits the text into tokens; every value is visited, because its on-demand parser checks only
// what it is asked for, and the reference checks everything, fields that it ignores included.
class HeaderParser {
 public:
  HeaderParser(std::string_view json, const OpenOptions& options)
      : strict_(options.mode == Mode::strict),
        limits_(options.limits),
        memory_(json.size() * kMemoryPerByte, limits_.memory_bytes),
        text_(json) {}

  Header parse();

 private:
  void parse_members(object members);
  void parse_metadata(value v);
  void parse_entry(TensorInfo& info, value v);
  void parse_object_entry(TensorInfo& info, object fields);
  void parse_array_entry(TensorInfo& info, array items);
  void parse_field(TensorInfo& info, std::size_t field, value v);
  DType parse_dtype_field(const TensorInfo& info, value v);
  std::string dtype_name(const TensorInfo& info, value v);
  std::vector<std::uint64_t> parse_integers(const TensorInfo& info, Rule rule, std::size_t field, value v);
  void check_ignored(value v, int depth);

  std::string string_of(value v) { return well_formed(v.get_string()); }
  std::string well_formed(std::string_view decoded);
  std::string_view token(value& v) const;
  std::size_t offset(value& v) const { return file_offset(token(v).data()); }
  std::size_t file_offset(const char* p) const { return kLengthField + static_cast<std::size_t>(p - text_.data()); }
  std::size_t here();
  [[noreturn]] void bad_syntax(const char* what) { broken(Rule::json_syntax, "{} near byte {}", what, here()); }

  // The copy of the text, and per byte of it four of simdjson's token positions and 5/3 of its strings.
  static constexpr std::uint64_t kMemoryPerByte = 7;
  // A vector that grows holds its elements up to three times; sorting them takes half as much again; two name indexes.
  static constexpr std::uint64_t kMemoryPerTensor = 4 * sizeof(TensorInfo) + 64;
  static constexpr std::uint64_t kMemoryPerDimension = 3 * sizeof(std::uint64_t);
  static constexpr std::uint64_t kMemoryPerKey = 160;  // a node of a map of strings

  const bool strict_;
  const Limits limits_;
  MemoryEstimate memory_;
  const simdjson::padded_string text_;
  simdjson::ondemand::parser parser_;
  simdjson::ondemand::document document_;
  Header header_;
};

Header HeaderParser::parse() {
  if (const auto error = parser_.iterate(text_).get(document_); error == simdjson::MEMALLOC)
    throw std::bad_alloc();
  else if (error != simdjson::SUCCESS)
    broken(Rule::json_syntax, "{} near byte {}", simdjson::error_message(error), kLengthField + string_fault(text_));
  try {
    parse_members(document_.get_object());
    if (document_.current_location().error() != simdjson::OUT_OF_BOUNDS)
      bad_syntax("expected the end of the header after its object, found more");
  } catch (const simdjson::simdjson_error& e) {
    bad_syntax(e.what());
  }
  return std::move(header_);
}

void HeaderParser::parse_members(object members) {
  bool has_metadata = false;
  for (auto member : members) {
    const std::string_view key = member.unescaped_key();
    value v = member.value();
    if (key != kMetadata) {
      check_limit("the header", header_.tensors.size() + 1, "tensors", limits_.tensors);
      check_limit("a tensor's name", key.size(), "bytes", limits_.name_bytes);
      memory_.add(kMemoryPerTensor + key.size());
      std::string name = well_formed(key);
      header_.tensors.emplace_back().name = std::move(name);
      parse_entry(header_.tensors.back(), v);
      continue;
    }
    if (has_metadata) broken(Rule::duplicate_key, "__metadata__ appears twice, again at byte {}", offset(v));
    has_metadata = true;
    parse_metadata(v);
  }
}

void HeaderParser::parse_metadata(value v) {
  if (!strict_ && token(v) == "null") return;
  if (token(v).front() != '{') broken(Rule::metadata_type, "__metadata__ at byte {} is not an object", offset(v));
  for (auto member : object(v.get_object())) {
    std::string key = well_formed(member.unescaped_key());
    value text = member.value();
    memory_.add(kMemoryPerKey + key.size() + token(text).size());
    if (token(text).front() != '"')
      broken(Rule::metadata_type, "__metadata__ must map strings to strings, but \"{}\" at byte {} is not a string",
             shown(key), offset(text));
    const std::size_t where = offset(text);
    const auto [place, is_new] = header_.metadata.insert_or_assign(std::move(key), string_of(text));
    if (strict_ && !is_new)
      broken(Rule::duplicate_key, "__metadata__ repeats the key \"{}\" at byte {}", shown(place->first), where);
  }
}

void HeaderParser::parse_entry(TensorInfo& info, value v) {
  const char first = token(v).front();
  if (first == '{')
    parse_object_entry(info, v.get_object());
  else if (first == '[' && !strict_)
    parse_array_entry(info, v.get_array());
  else
    broken(Rule::entry_type, "the entry of tensor \"{}\" at byte {} is not an object", shown(info.name), offset(v));
}

void HeaderParser::parse_object_entry(TensorInfo& info, object fields) {
  std::array<bool, kFields.size()> found{};
  Keys ignored;
  for (auto member : fields) {
    std::string key = well_formed(member.unescaped_key());
    value v = member.value();
    memory_.add(kMemoryPerKey + key.size());
    const std::size_t field =
        static_cast<std::size_t>(std::find(kFields.begin(), kFields.end(), key) - kFields.begin());
    const bool known = field < kFields.size();
    if (known ? std::exchange(found[field], true) : strict_ && !ignored.insert(key).second)
      broken(Rule::duplicate_key, "the entry of tensor \"{}\" repeats \"{}\" at byte {}", shown(info.name), shown(key),
             offset(v));
    if (known)
      parse_field(info, field, v);
    else
      check_ignored(v, 3);  // inside the header's object and the entry's
  }
  for (std::size_t field = 0; field < kFields.size(); ++field)
    if (!found[field]) broken(Rule::entry_fields, "tensor \"{}\" has no {}", shown(info.name), kFields[field]);
}

void HeaderParser::parse_array_entry(TensorInfo& info, array items) {
  std::size_t field = 0;
  for (auto item : items) {
    if (field < kFields.size()) parse_field(info, field, item.value());
    ++field;
  }
  if (field != kFields.size())
    broken(Rule::entry_fields, "the entry of tensor \"{}\" is an array, but not of dtype, shape and data_offsets",
           shown(info.name));
}

void HeaderParser::parse_field(TensorInfo& info, std::size_t field, value v) {
  if (field == 0) {
    info.dtype = parse_dtype_field(info, v);
  } else if (field == 1) {
    info.shape = parse_integers(info, Rule::shape, field, v);
  } else {
    const std::size_t where = offset(v);
    const std::vector<std::uint64_t> range = parse_integers(info, Rule::data_offsets, field, v);
    if (range.size() != 2)
      broken(Rule::data_offsets, "data_offsets of tensor \"{}\" at byte {} has {} numbers, expected 2",
             shown(info.name), where, range.size());
    info.begin = range[0];
    info.end = range[1];
  }
}

DType HeaderParser::parse_dtype_field(const TensorInfo& info, value v) {
  const std::size_t where = offset(v);
  const std::string name = dtype_name(info, v);
  const std::optional<DType> dtype = parse_dtype(name);
  if (!dtype)
    broken(Rule::dtype, "dtype \"{}\" of tensor \"{}\" at byte {} is not one of the format's {}", shown(name),
           shown(info.name), where, dtypes().size());
  return *dtype;
}

// The reference also takes an object whose one key is the name and whose value is null.
std::string HeaderParser::dtype_name(const TensorInfo& info, value v) {
  if (token(v).front() == '"') return string_of(v);
  std::string name;
  int members = 0;
  if (token(v).front() == '{' && !strict_) {
    for (auto member : object(v.get_object())) {
      name = well_formed(member.unescaped_key());
      value null = member.value();
      if (++members > 1 || token(null) != "null") {
        members = 0;
        break;
      }
    }
  }
  if (members != 1)
    broken(Rule::dtype, "dtype of tensor \"{}\" is not a string, near byte {}", shown(info.name), here());
  return name;
}

std::vector<std::uint64_t> HeaderParser::parse_integers(const TensorInfo& info, Rule rule, std::size_t field, value v) {
  if (token(v).front() != '[')
    broken(rule, "{} of tensor \"{}\" at byte {} is not an array", kFields[field], shown(info.name), offset(v));
  std::vector<std::uint64_t> integers;
  for (auto item : array(v.get_array())) {
    value element = item.value();
    const Number number = parse_number(token(element));
    if (number.kind != NumberKind::unsigned_integer)
      broken(rule, "{} of tensor \"{}\" at byte {}: expected an integer from 0 to 2^64-1, found {}", kFields[field],
             shown(info.name), offset(element), printable(token(element), 24));
    if (rule == Rule::shape) check_limit("a tensor's shape", integers.size() + 1, "dimensions", limits_.rank);
    memory_.add(kMemoryPerDimension);
    integers.push_back(number.value);
  }
  return integers;
}

// Recursion is bounded by kDeepest.
void HeaderParser::check_ignored(value v, int depth) {
  const char first = token(v).front();
  if ((first == '{' || first == '[') && depth > kDeepest)
    broken(Rule::json_depth, "objects and arrays lie inside each other more than {} deep at byte {}", kDeepest,
           offset(v));
  if (first == '{') {
    Keys keys;
    for (auto member : object(v.get_object())) {
      std::string key = well_formed(member.unescaped_key());
      value child = member.value();
      memory_.add(kMemoryPerKey + key.size());
      if (strict_ && !keys.insert(key).second)
        broken(Rule::duplicate_key, "an object repeats the key \"{}\" at byte {}", shown(key), offset(child));
      check_ignored(child, depth + 1);
    }
  } else if (first == '[') {
    for (auto item : array(v.get_array())) check_ignored(item.value(), depth + 1);
  } else if (first == '"') {
    string_of(v);
  } else if (const std::string_view word = token(v); word != "true" && word != "false" && word != "null") {
    const NumberKind kind = parse_number(word).kind;
    if (kind == NumberKind::out_of_range)
      broken(Rule::json_syntax, "number {} at byte {} is out of range", printable(word, 24), offset(v));
    if (kind == NumberKind::malformed)
      broken(Rule::json_syntax, "expected a value at byte {}, found {}", offset(v), printable(word, 24));
  }
}

// Some versions of simdjson let the escape of a lone low surrogate pass; its UTF-8 would begin with ED.
std::string HeaderParser::well_formed(std::string_view decoded) {
  if (decoded.find('\xED') != std::string_view::npos && !is_utf8(decoded)) bad_syntax("a lone surrogate in a string");
  return std::string(decoded);
}

// The value's own token, or its opening bracket or quote. Never empty.
std::string_view HeaderParser::token(value& v) const {
  const std::string_view raw = v.raw_json_token();
  const std::size_t last = raw.find_last_not_of(kJsonSpace);
  return raw.substr(0, last == std::string_view::npos ? 1 : last + 1);
}

std::size_t HeaderParser::here() {
  const char* location = text_.data() + text_.size();
  if (document_.current_location().get(location) != simdjson::SUCCESS) location = text_.data() + text_.size();
  return file_offset(std::min(location, text_.data() + text_.size()));
}

}  // namespace

Header parse_header(std::string_view json, const OpenOptions& options) {
  if (!simdjson::validate_utf8(json)) {
    std::string_view rest = json;
    while (take_code_point(rest)) {
    }
    broken(Rule::header_utf8, "the header is not UTF-8 at byte {}", kLengthField + json.size() - rest.size() - 1);
  }
  if (options.mode == Mode::strict && !json.starts_with('{'))
    broken(Rule::header_start, "the header must begin with '{{' at byte {}, found {}", kLengthField,
           json.empty() ? "nothing" : printable(json.substr(0, 1)));
  // Said here because some versions of simdjson skip a byte order mark.
  const std::size_t first = json.find_first_not_of(kJsonSpace);
  if (first == std::string_view::npos || json[first] != '{')
    broken(Rule::json_syntax, "the header is not a JSON object: expected '{{' at byte {}",
           kLengthField + (first == std::string_view::npos ? json.size() : first));
  return HeaderParser(json, options).parse();
}

}  // namespace safelight
