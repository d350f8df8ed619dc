#include "format/foreign/npy.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "core/fail.h"
#include "format/foreign/byte_cursor.h"
#include "format/foreign/numpy_types.h"
#include "format/foreign/readers.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x93NUMPY"sv;
// NumPy itself refuses to evaluate more than 10,000 bytes.
constexpr std::size_t kLongestHeader = kLargestNpyHeader - 12;
constexpr std::size_t kHighestNumpyRank = 64;

// The header as written.
struct Fields {
  std::optional<std::string_view> type;
  bool is_record = false;  // the type is a list of fields
  bool objects = false;    // the type, or one of the fields', may stand for Python objects
  std::optional<bool> column_major;
  std::optional<Shape> shape;
  std::size_t bytes = 0;  // up to the first element
};

// Reads the one dictionary of Python source that a header is.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  Fields parse() {
    Fields fields;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      value(key, fields);
      if (!accept(',') && peek() != '}') bad("expected ',' or '}'");
    }
    if (peek() != 0) bad("expected nothing after the dictionary");
    return fields;
  }

 private:
  [[noreturn]] void bad(std::string_view what) const {
    fail(ErrorCategory::format, "[npy] array \"{}\": {} at character {} of the header {}", shown(name_), what, at_,
         shown(text_));
  }
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) bad(fmt::format("expected '{}'", c));
  }
  bool accept(std::string_view word) {
    peek();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::string_view quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') bad("expected a quoted text");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) bad("expected the end of the text");
    const std::string_view result = text_.substr(at_ + 1, end - at_ - 1);
    // NumPy writes none. With its escape understood, the text would be another one.
    if (result.find('\\') != std::string_view::npos) bad("expected a text without a backslash");
    at_ = end + 1;
    return result;
  }
  std::int64_t number() {
    peek();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0) bad("expected a size");
    at_ = static_cast<std::size_t>(end - text_.data());
    accept('L');  // as Python 2 wrote long integers
    return value;
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(number());
      if (shape.size() > kHighestRank) bad("expected fewer dimensions");
      if (!accept(',') && peek() != ')') bad("expected ',' or ')'");
    }
    return shape;
  }
  void value(std::string_view key, Fields& fields) {
    if (key == "descr" && peek() == '[') {
      fields.is_record = true;
      skip_list(fields);
    } else if (key == "descr") {
      fields.type = quoted();
      fields.objects = fields.objects || !is_plain_numpy_type(*fields.type);
    } else if (key == "fortran_order") {
      fields.column_major = accept("True");
      if (!*fields.column_major && !accept("False")) bad("expected True or False");
    } else if (key == "shape") {
      fields.shape = tuple();
    } else {
      bad("expected one of the keys descr, fortran_order and shape");
    }
  }
  // The list of a record's fields: ('name', '<f4'), ('name', '<f4', (2, 3)), ('name', ('<f4', (2, 3))), ('name',
  // [...]). The first text of a tuple in a list is a name, every other one a type, or a title that counts as an unknown
  // type.
  void skip_list(Fields& fields) {
    std::string open;  // the brackets around
    char before = 0;
    do {
      const char c = peek();
      if (c == '\'' || c == '"') {
        const bool is_name = before == '(' && open.size() >= 2 && open[open.size() - 2] == '[';
        if (const std::string_view text = quoted(); !is_name && !is_plain_numpy_type(text)) fields.objects = true;
        if (peek() != ',' && peek() != ')') bad("expected ',' or ')'");  // neighbouring texts would become one
      } else if (c == '[' || c == '(') {
        open += c;
        ++at_;
      } else if (c == ']' || c == ')') {
        if (open.back() != (c == ']' ? '[' : '(')) bad("expected the other bracket");
        open.pop_back();
        ++at_;
      } else if (c == ',' || (c >= '0' && c <= '9') || c == 'L') {
        ++at_;
      } else {
        bad("expected the rest of the list");
      }
      before = c;
    } while (!open.empty());
  }

  std::string_view text_, name_;
  std::size_t at_ = 0;
};

Fields parse_fields(std::span<const std::byte> file, std::string_view name) {
  ByteCursor at(file, "npy");
  if (at.remaining() < kMagic.size() || at.take_text(kMagic.size()) != kMagic)
    fail(ErrorCategory::format, "[npy] \"{}\" does not begin as a NumPy array does", shown(name));
  const auto major = at.read<std::uint8_t>(), minor = at.read<std::uint8_t>();
  if (major < 1 || major > 3)
    fail(ErrorCategory::format, "[npy] \"{}\" has version {}.{}; expected 1, 2 or 3", shown(name), major, minor);
  const std::uint32_t length = major == 1 ? at.read<std::uint16_t>() : at.read<std::uint32_t>();
  if (length > kLongestHeader)
    fail(ErrorCategory::limit, "[npy] \"{}\" has a header of {} bytes, more than {}", shown(name), length,
         kLongestHeader);
  Fields fields = HeaderParser(at.take_text(length), name).parse();
  fields.bytes = at.position();
  return fields;
}

}  // namespace

NpyHeader parse_npy(std::span<const std::byte> first, std::uint64_t file_bytes, std::string_view name) {
  const Fields fields = parse_fields(first, name);
  if (fields.is_record)
    fail(ErrorCategory::format, "[npy] array \"{}\" holds records of several fields, which no tensor file can",
         shown(name));
  if (!fields.type || !fields.column_major || !fields.shape)
    fail(ErrorCategory::format, "[npy] the header of array \"{}\" lacks descr, fortran_order or shape", shown(name));
  const auto type = parse_numpy_type(*fields.type);
  if (!type) fail(ErrorCategory::format, "[npy] array \"{}\" holds {}", shown(name), explain_numpy_type(*fields.type));
  NpyHeader header{.bytes = fields.bytes};
  header.array = {.dtype = type->dtype,
                  .shape = *fields.shape,
                  .strides = contiguous_strides(*fields.shape, *fields.column_major),
                  .big_endian = type->big_endian};
  const std::uint64_t follow = file_bytes - header.bytes;
  const std::uint64_t wanted = check_array(header.array, follow, "npy", name);
  if (wanted != follow)
    fail(ErrorCategory::format, "[npy] array \"{}\" of {} with shape {} has {} bytes, but {} follow the header",
         shown(name), safelight::name(header.array.dtype), to_string(header.array.shape), wanted, follow);
  return header;
}

std::string npy_header(DType dtype, const Shape& shape, std::string_view name) {
  if (numpy_type(dtype).empty())
    fail(ErrorCategory::usage, "[npy] NumPy has no type {}, which tensor \"{}\" has", safelight::name(dtype),
         shown(name));
  if (shape.size() > kHighestNumpyRank)
    fail(ErrorCategory::usage, "[npy] tensor \"{}\" has {} dimensions, but NumPy allows {}", shown(name), shape.size(),
         kHighestNumpyRank);
  const std::string tuple =
      shape.size() == 1 ? fmt::format("({},)", shape[0]) : fmt::format("({})", fmt::join(shape, ", "));
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", numpy_type(dtype), tuple);
  constexpr std::size_t kBefore = 10, kAlignment = 64;  // version 1: the elements begin at a multiple of 64
  text.resize((kBefore + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - kBefore - 1, ' ');
  text += '\n';
  std::string header(kMagic);  // whose length fits 16 bits: 64 sizes of 20 digits are 1,408 bytes
  header += "\x01\x00"sv;
  header += static_cast<char>(text.size() & 0xFF);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

bool looks_like_npy(std::span<const std::byte> file) noexcept { return as_text(file).starts_with(kMagic); }

std::size_t npy_pickle_offset(std::span<const std::byte> file) {
  const Fields fields = parse_fields(file, "array");
  return fields.objects ? fields.bytes : 0;
}

ImportedFile read_npy(const FileBytes& file) {
  const std::string name = "array";
  NpyHeader header = parse_npy(file.bytes, file.bytes.size(), name);
  ImportedFile result;
  result.description = "a NumPy array";
  PendingTensor tensor{.name = name, .dtype = header.array.dtype, .shape = header.array.shape};
  tensor.make = [array = std::move(header.array), elements = file.bytes.subspan(header.bytes), owner = file.owner] {
    return to_tensor(array, elements, owner);
  };
  result.tensors.push_back(std::move(tensor));
  return result;
}

}  // namespace safelight::foreign
