#include "format/metadata_splice.h"

#include <algorithm>
#include <cassert>

#include "format/header_text.h"

namespace safelight {
namespace {

constexpr std::string_view kJsonSpace = " \t\n\r";

std::size_t skip_space(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kJsonSpace, at), text.size());
}

// `at`: a quote. Returns the place after the closing one.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return at + 1;
}

// Returns the place after the value.
std::size_t skip_value(std::string_view text, std::size_t at) {
  int depth = 0;
  do {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
    } else {
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at;
    }
  } while (depth > 0);
  return at;
}

// Whether the characters between a string's quotes mean "__metadata__", escaped or not.
bool means_metadata(std::string_view raw) {
  std::string plain;
  while (!raw.empty()) {
    char c = raw.front();
    std::size_t length = 1;
    if (c == '\\') {
      if (raw[1] != 'u') return false;
      const unsigned long code = std::stoul(std::string(raw.substr(2, 4)), nullptr, 16);
      if (code > 127) return false;
      c = static_cast<char>(code);
      length = 6;
    }
    plain += c;
    raw.remove_prefix(length);
  }
  return plain == "__metadata__";
}

}  // namespace

// The values of the header's object are objects (strict mode), so skip_value meets no bare number.
MetadataSplice::MetadataSplice(std::string_view header) : header_(header) {
  std::size_t at = skip_space(header, 1);
  while (header[at] != '}') {
    const std::size_t key = at;
    at = skip_string(header, at);
    const std::string_view name = header.substr(key + 1, at - key - 2);
    at = skip_space(header, at);      // the colon
    at = skip_space(header, at + 1);  // the value
    at = skip_space(header, skip_value(header, at));
    if (means_metadata(name)) {
      begin_ = key;
      end_ = at;
    }
    if (header[at] == ',') at = skip_space(header, at + 1);
  }
  closed_ = at + 1;
}

void MetadataSplice::set(const Metadata& metadata) {
  member_ = metadata_member(metadata);
  comma_ = begin_ == end_ && header_[skip_space(header_, 1)] != '}';
}

std::size_t MetadataSplice::needed() const noexcept {
  return begin_ + member_.size() + (comma_ ? 1 : 0) + (closed_ - end_);
}

std::string MetadataSplice::text(std::size_t length) const {
  assert(length >= needed());
  std::string text(header_.substr(0, begin_));
  text += member_;
  if (length == header_.size() && member_.size() <= end_ - begin_) {
    text.resize(end_, ' ');
    text += header_.substr(end_);
  } else {
    text.append(length - needed(), ' ');
    if (comma_) text += ',';
    text += header_.substr(end_, closed_ - end_);
  }
  return text;
}

}  // namespace safelight
