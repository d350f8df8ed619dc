#include "safelight/raw_header.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/little_endian.h"
#include "core/mapped_file.h"
#include "core/printable.h"
#include "core/read_fully.h"
#include "format/edit_journal.h"
#include "format/header.h"

namespace safelight {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kMostAlignment = 4096;

std::uint64_t alignment_of(std::uint64_t offset) { return std::min(offset & (~offset + 1), kMostAlignment); }

// printable() escapes backslashes, which in JSON are escapes already.
std::string printable_json(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t backslash = std::min(text.find('\\'), text.size());
    out += printable(text.substr(0, backslash));
    text.remove_prefix(backslash);
    if (text.empty()) break;
    out += '\\';
    text.remove_prefix(1);
  }
  return out;
}

// Lays out one token after the other. The header's object and that of the metadata have a line for each member.
class Layout {
 public:
  explicit Layout(std::string_view text) : rest_(text) {}

  std::string text() {
    while (skip_space(), !rest_.empty()) token();
    return out_ + "\n";
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"sv), rest_.size())); }

  void token() {
    const char c = rest_.front();
    if (c == '"') return string();
    rest_.remove_prefix(1);
    if (c == '{' || c == '[')
      open(c);
    else if (c == '}' || c == ']')
      close(c);
    else if (c == ',')
      comma();
    else if (c == ':')
      out_ += ": ";
    else
      out_ += printable_json({&c, 1});
  }

  void string() {
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
    end = std::min(end + 1, rest_.size());
    if (depth_ == 1) in_metadata_ = rest_.substr(0, end) == "\"__metadata__\"";
    out_ += printable_json(rest_.substr(0, end));
    rest_.remove_prefix(end);
  }

  void open(char c) {
    out_ += c;
    ++depth_;
    skip_space();
    const bool empty = rest_.starts_with('}') || rest_.starts_with(']');
    if (!empty && on_lines(depth_)) new_line(depth_);
  }

  void close(char c) {
    const bool empty = out_.ends_with('{') || out_.ends_with('[');
    if (!empty && on_lines(depth_)) new_line(depth_ - 1);
    out_ += c;
    depth_ -= depth_ > 0;
  }

  void comma() {
    out_ += ',';
    if (on_lines(depth_))
      new_line(depth_);
    else
      out_ += ' ';
  }

  bool on_lines(std::size_t depth) const { return depth == 1 || (depth == 2 && in_metadata_); }
  void new_line(std::size_t depth) { out_.append("\n").append(2 * depth, ' '); }

  std::string_view rest_;
  std::string out_;
  std::size_t depth_ = 0;
  bool in_metadata_ = false;
};

}  // namespace

RawHeader read_raw_header(const std::filesystem::path& path) {
  finish_interrupted_edit(path);
  const auto file = MappedFile::open(path);
  RawHeader header;
  header.file_bytes = file->bytes().size();
  if (header.file_bytes >= kLengthField) {
    std::array<std::byte, kLengthField> field;
    read_fully(file->descriptor(), path, 0, field);
    header.header_bytes = little_endian_u64(field);
    if (header.header_bytes <= kLongestHeader) {
      header.text.resize(std::min(header.header_bytes, header.file_bytes - kLengthField));
      read_fully(file->descriptor(), path, kLengthField, std::as_writable_bytes(std::span(header.text)));
    }
  }
  header.padding = header.text.size() - (header.text.find_last_not_of(" \t\r\n\0"sv) + 1);
  const std::uint64_t rest = header.file_bytes - std::min(header.file_bytes, kLengthField);
  header.data_begin = header.header_bytes < rest ? kLengthField + header.header_bytes : header.file_bytes;
  if (header.data_begin < header.file_bytes) header.alignment = alignment_of(header.data_begin);
  return header;
}

std::string pretty_header(std::string_view text) {
  // Padding is told in words; NULs would be escapes here.
  return Layout(text.substr(0, text.find_last_not_of(" \t\r\n\0"sv) + 1)).text();
}

}  // namespace safelight
