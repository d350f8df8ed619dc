#include "format/header.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/printable.h"
#include "core/utf8.h"
#include "format/json_number.h"
#include "format/json_reader.h"
#include "format/limits.h"
#include "format/rules.h"

namespace safelight {
namespace {

// simdjson looks at the processor at its first use, and allocates in a function that may not throw: done while the
// program starts, so that memory that runs out later is an exception as everywhere.
[[maybe_unused]] const bool kProcessorIsKnown = simdjson::validate_utf8("", 0);

constexpr std::string_view kMetadata = "__metadata__";
constexpr int kDeepest = 127;  // objects and arrays inside each other, the outermost included
constexpr std::string_view kJsonSpace = " \t\n\r";

// The keys of one object, to find the ones it repeats.
using Keys = std::set<std::string>;

// A tensor's entry has three known fields, in this order where it is an array (compat).
constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape", "data_offsets"};

// The position in kFields, or its size.
constexpr std::size_t field_named(std::string_view key) {
  for (std::size_t i = 0; i < kFields.size(); ++i)
    if (key == kFields[i]) return i;
  return kFields.size();
}

// One header. Every value is checked, fields that are ignored included, because the reference does so.
class HeaderParser {
 public:
  HeaderParser(std::string_view json, const OpenOptions& options)
      : strict_(options.mode == Mode::strict),
        limits_(options.limits),
        memory_(json.size() * kMemoryPerByte, limits_.memory_bytes),
        json_(json, kLengthField) {}

  Header parse();

 private:
  void parse_metadata();
  void parse_entry(TensorInfo& info);
  void parse_object_entry(TensorInfo& info);
  void parse_array_entry(TensorInfo& info);
  void parse_field(TensorInfo& info, std::size_t field);
  DType parse_dtype_field(const TensorInfo& info);
  std::string wrapped_dtype_name(const TensorInfo& info);
  void parse_shape(TensorInfo& info);
  void parse_data_offsets(TensorInfo& info);
  void parse_integers(const TensorInfo& info, Rule rule, std::string_view field);
  std::uint64_t next_integer(const TensorInfo& info, Rule rule, std::string_view field);
  void check_ignored(int depth);

  // The text as it was read; a string with escapes is decoded, in a buffer that grows, and copied.
  static constexpr std::uint64_t kMemoryPerByte = 5;
  // A vector that grows holds its elements up to three times; sorting them takes half as much again; two name indexes.
  static constexpr std::uint64_t kMemoryPerTensor = 4 * sizeof(TensorInfo) + 64;
  static constexpr std::uint64_t kMemoryPerDimension = 3 * sizeof(std::uint64_t);
  static constexpr std::uint64_t kMemoryPerKey = 160;  // a node of a map of strings

  const bool strict_;
  const Limits limits_;
  MemoryEstimate memory_;
  JsonReader json_;
  Header header_;
  std::vector<std::uint64_t> integers_;  // of the array that was read last
};

Header HeaderParser::parse() {
  bool has_metadata = false;
  json_.object([&](std::string_view name) {
    if (name != kMetadata) {
      check_limit("the header", header_.tensors.size() + 1, "tensors", limits_.tensors);
      check_limit("a tensor's name", name.size(), "bytes", limits_.name_bytes);
      memory_.add(kMemoryPerTensor + name.size());
      header_.tensors.emplace_back().name = name;
      parse_entry(header_.tensors.back());
      return;
    }
    if (std::exchange(has_metadata, true))
      broken(Rule::duplicate_key, "__metadata__ appears twice, again at byte {}", json_.offset());
    parse_metadata();
  });
  json_.expect_end();
  return std::move(header_);
}

void HeaderParser::parse_metadata() {
  const std::size_t where = json_.offset();
  if (json_.peek_value() != '{') {
    if (json_.word() == "null" && !strict_) return;
    broken(Rule::metadata_type, "__metadata__ at byte {} is not an object", where);
  }
  json_.object([&](std::string_view key_view) {
    std::string key(key_view);
    const std::size_t value_at = json_.offset();
    if (json_.peek_value() != '"')
      broken(Rule::metadata_type, "__metadata__ must map strings to strings, but \"{}\" at byte {} is not a string",
             shown(key), value_at);
    const std::string_view text = json_.string();
    memory_.add(kMemoryPerKey + key.size() + text.size());
    const auto [place, is_new] = header_.metadata.insert_or_assign(std::move(key), text);
    if (strict_ && !is_new)
      broken(Rule::duplicate_key, "__metadata__ repeats the key \"{}\" at byte {}", shown(place->first), value_at);
  });
}

void HeaderParser::parse_entry(TensorInfo& info) {
  const char first = json_.peek_value();
  if (first == '{')
    parse_object_entry(info);
  else if (first == '[' && !strict_)
    parse_array_entry(info);
  else
    broken(Rule::entry_type, "the entry of tensor \"{}\" at byte {} is not an object", shown(info.name),
           json_.offset());
}

void HeaderParser::parse_object_entry(TensorInfo& info) {
  std::array<bool, kFields.size()> found{};
  Keys ignored;
  json_.object([&](std::string_view key) {
    const std::size_t field = field_named(key);
    const bool known = field < kFields.size();
    if (!known) memory_.add(kMemoryPerKey + key.size());
    if (known ? std::exchange(found[field], true) : strict_ && !ignored.emplace(key).second)
      broken(Rule::duplicate_key, "the entry of tensor \"{}\" repeats \"{}\" at byte {}", shown(info.name), shown(key),
             json_.offset());
    if (known)
      parse_field(info, field);
    else
      check_ignored(3);  // inside the header's object and the entry's
  });
  for (std::size_t field = 0; field < kFields.size(); ++field)
    if (!found[field]) broken(Rule::entry_fields, "tensor \"{}\" has no {}", shown(info.name), kFields[field]);
}

void HeaderParser::parse_array_entry(TensorInfo& info) {
  const auto refuse = [&] {
    broken(Rule::entry_fields, "the entry of tensor \"{}\" is an array, but not of dtype, shape and data_offsets",
           shown(info.name));
  };
  std::size_t fields = 0;
  json_.array([&] {
    if (fields == kFields.size()) refuse();
    parse_field(info, fields++);
  });
  if (fields != kFields.size()) refuse();
}

void HeaderParser::parse_field(TensorInfo& info, std::size_t field) {
  if (field == 0)
    info.dtype = parse_dtype_field(info);
  else if (field == 1)
    parse_shape(info);
  else
    parse_data_offsets(info);
}

DType HeaderParser::parse_dtype_field(const TensorInfo& info) {
  const std::size_t where = json_.offset();
  const std::string name = json_.peek_value() == '"' ? std::string(json_.string()) : wrapped_dtype_name(info);
  const std::optional<DType> dtype = parse_dtype(name);
  if (!dtype)
    broken(Rule::dtype, "dtype \"{}\" of tensor \"{}\" at byte {} is not one of the format's {}", shown(name),
           shown(info.name), where, dtypes().size());
  return *dtype;
}

// The reference also takes an object whose one key is the name and whose value is null.
std::string HeaderParser::wrapped_dtype_name(const TensorInfo& info) {
  const auto refuse = [&, where = json_.offset()] {
    broken(Rule::dtype, "dtype of tensor \"{}\" at byte {} is not a string", shown(info.name), where);
  };
  if (strict_ || json_.peek_value() != '{') refuse();
  std::string name;
  int members = 0;
  json_.object([&](std::string_view key) {
    name = key;
    if (++members > 1 || json_.word() != "null") refuse();
  });
  if (members == 0) refuse();
  return name;
}

void HeaderParser::parse_shape(TensorInfo& info) {
  parse_integers(info, Rule::shape, "shape");
  // Copied, because the copy is no longer than it must be; but not a shape of a million ones.
  constexpr std::size_t kUsualRank = 16;
  if (integers_.size() <= kUsualRank)
    info.shape.assign(integers_.begin(), integers_.end());
  else
    info.shape = std::move(integers_);
}

void HeaderParser::parse_data_offsets(TensorInfo& info) {
  const std::size_t where = json_.offset();
  parse_integers(info, Rule::data_offsets, "data_offsets");
  if (integers_.size() != 2)
    broken(Rule::data_offsets, "data_offsets of tensor \"{}\" at byte {} has {} numbers, expected 2", shown(info.name),
           where, integers_.size());
  info.begin = integers_[0];
  info.end = integers_[1];
}

void HeaderParser::parse_integers(const TensorInfo& info, Rule rule, std::string_view field) {
  if (json_.peek_value() != '[')
    broken(rule, "{} of tensor \"{}\" at byte {} is not an array", field, shown(info.name), json_.offset());
  integers_.clear();
  json_.array([&] {
    const std::uint64_t value = next_integer(info, rule, field);
    if (rule == Rule::shape) check_limit("a tensor's shape", integers_.size() + 1, "dimensions", limits_.rank);
    memory_.add(kMemoryPerDimension);
    integers_.push_back(value);
  });
}

std::uint64_t HeaderParser::next_integer(const TensorInfo& info, Rule rule, std::string_view field) {
  if (const auto plain = json_.plain_integer()) return *plain;
  json_.peek_value();
  const std::size_t where = json_.offset();
  const std::string_view word = json_.word();
  const Number number = parse_number(word);
  if (number.kind != NumberKind::unsigned_integer)
    broken(rule, "{} of tensor \"{}\" at byte {}: expected an integer from 0 to 2^64-1, found {}", field,
           shown(info.name), where, json_.found(word));
  return number.value;
}

// Recursion is bounded by kDeepest.
void HeaderParser::check_ignored(int depth) {
  const char first = json_.peek_value();
  if ((first == '{' || first == '[') && depth > kDeepest)
    broken(Rule::json_depth, "objects and arrays lie inside each other more than {} deep at byte {}", kDeepest,
           json_.offset());
  if (first == '{') {
    Keys keys;
    json_.object([&](std::string_view key) {
      memory_.add(kMemoryPerKey + key.size());
      if (strict_ && !keys.emplace(key).second)
        broken(Rule::duplicate_key, "an object repeats the key \"{}\" at byte {}", shown(key), json_.offset());
      check_ignored(depth + 1);
    });
  } else if (first == '[') {
    json_.array([&] { check_ignored(depth + 1); });
  } else if (first == '"') {
    json_.string();
  } else {
    const std::size_t where = json_.offset();
    const std::string_view word = json_.word();
    const NumberKind kind = parse_number(word).kind;
    if (kind == NumberKind::out_of_range)
      broken(Rule::json_syntax, "number {} at byte {} is out of range", json_.found(word), where);
    if (kind == NumberKind::malformed && word != "true" && word != "false" && word != "null")
      broken(Rule::json_syntax, "expected a value at byte {}, found {}", where, json_.found(word));
  }
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
  const std::size_t first = json.find_first_not_of(kJsonSpace);
  if (first == std::string_view::npos || json[first] != '{')
    broken(Rule::json_syntax, "the header is not a JSON object: expected '{{' at byte {}",
           kLengthField + (first == std::string_view::npos ? json.size() : first));
  return HeaderParser(json, options).parse();
}

}  // namespace safelight
