#include "image/exif.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/utf8.h"
#include "image/infotext.h"

namespace safelight {
namespace {

using namespace std::string_view_literals;

constexpr std::uint16_t kMake = 0x010F, kModel = 0x0110, kOrientation = 0x0112, kExifDirectory = 0x8769,
                        kUserComment = 0x9286;
constexpr std::uint16_t kLong = 4, kUndefined = 7;
constexpr std::size_t kEntry = 12, kEncodingName = 8;
constexpr std::string_view kHead = "Exif\0\0"sv;
constexpr std::string_view kUnicode = "UNICODE\0"sv, kAscii = "ASCII\0\0\0"sv, kJapanese = "JIS\0\0\0\0\0"sv,
                           kUnnamed = "\0\0\0\0\0\0\0\0"sv;
constexpr char32_t kReplacement = 0xFFFD;

// --- reading --------------------------------------------------------------------------------------------------------

struct Entry {
  std::uint16_t tag = 0, type = 0;
  std::uint32_t count = 0;
  std::size_t value = 0;  // where the four bytes of the value or its offset are
};

class Tiff {
 public:
  explicit Tiff(std::string_view bytes) : bytes_(bytes), big_(bytes.starts_with("MM")) {}

  bool big_endian() const noexcept { return big_; }

  // Numbers outside are 0, which no offset and no tag of ours is.
  std::uint16_t u16(std::size_t at) const noexcept { return static_cast<std::uint16_t>(number(at, 2)); }
  std::uint32_t u32(std::size_t at) const noexcept { return number(at, 4); }

  // The entries of a directory, as far as they lie inside.
  template <class Each>
  void each_entry(std::size_t directory, Each&& each) const {
    if (directory >= bytes_.size()) return;
    const std::size_t count = u16(directory);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = directory + 2 + i * kEntry;
      if (at + kEntry > bytes_.size()) return;
      each(Entry{u16(at), u16(at + 2), u32(at + 4), at + 8});
    }
  }

  // The bytes of an entry of one-byte values; empty if they are not all inside.
  std::string_view text(const Entry& entry) const noexcept {
    const std::size_t at = entry.count <= 4 ? entry.value : u32(entry.value);
    if (at > bytes_.size() || entry.count > bytes_.size() - at) return {};
    return bytes_.substr(at, entry.count);
  }

 private:
  std::uint32_t number(std::size_t at, std::size_t size) const noexcept {
    if (at > bytes_.size() || size > bytes_.size() - at) return 0;
    std::uint32_t result = 0;
    for (std::size_t i = 0; i < size; ++i)
      result = result << 8 | static_cast<unsigned char>(bytes_[big_ ? at + i : at + size - 1 - i]);
    return result;
  }

  std::string_view bytes_;
  bool big_;
};

// Writers disagree about the order of bytes: piexif, and so A1111, writes big-endian into anything, exiftool the order
// of the TIFF around it. Settings are mostly ASCII, half of whose bytes are zeros: that tells.
bool is_big_endian(std::string_view utf16, bool otherwise) {
  std::size_t even = 0, odd = 0;
  for (std::size_t i = 0; i + 1 < utf16.size(); i += 2) {
    even += utf16[i] == '\0';
    odd += utf16[i + 1] == '\0';
  }
  return even == odd ? otherwise : even > odd;
}

std::string utf16_to_utf8(std::string_view bytes, bool tiff_is_big_endian) {
  bool big = is_big_endian(bytes, tiff_is_big_endian);
  if (bytes.starts_with("\xFE\xFF") || bytes.starts_with("\xFF\xFE")) {
    big = bytes.front() == '\xFE';
    bytes.remove_prefix(2);
  }
  const auto unit = [&](std::size_t at) {
    const auto first = static_cast<unsigned char>(bytes[at]), second = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(big ? first << 8 | second : second << 8 | first);
  };
  std::string out;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    char32_t code = unit(i);
    if (code >= 0xD800 && code <= 0xDBFF && i + 3 < bytes.size() && unit(i + 2) >= 0xDC00 && unit(i + 2) <= 0xDFFF) {
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    } else if (code >= 0xD800 && code <= 0xDFFF) {
      code = kReplacement;
    }
    append_utf8(out, code);
  }
  return out;
}

// Some writers pad with zeros.
void strip_zeros(std::string& text) { text.erase(text.find_last_not_of('\0') + 1); }

std::string eight_bit_to_utf8(std::string_view bytes) {
  return is_utf8(bytes) ? std::string(bytes) : latin1_to_utf8(bytes);
}

// Nothing for an encoding that cannot be read.
std::string user_comment(std::string_view bytes, bool tiff_is_big_endian) {
  const std::string_view encoding = bytes.substr(0, kEncodingName);
  const std::string_view rest = bytes.substr(encoding.size());
  std::string text;
  if (encoding == kUnicode)
    text = utf16_to_utf8(rest, tiff_is_big_endian);
  else if (encoding == kAscii || encoding == kUnnamed)
    text = eight_bit_to_utf8(rest);
  else if (encoding != kJapanese)
    text = eight_bit_to_utf8(bytes);  // written without a name
  strip_zeros(text);
  return text;
}

// ComfyUI keeps its graphs in tags of the first directory, whose text begins with their keyword: "workflow:{...}".
void take_comfy_text(std::string_view value, PictureText& text) {
  for (const std::string_view keyword : {"prompt"sv, "workflow"sv}) {
    if (!value.starts_with(keyword) || value.substr(keyword.size(), 1) != ":") continue;
    if (text.contains(std::string(keyword))) continue;  // thousands of entries may share one long text
    std::string rest = eight_bit_to_utf8(value.substr(keyword.size() + 1));
    strip_zeros(rest);
    text.emplace(keyword, std::move(rest));
  }
}

// --- writing --------------------------------------------------------------------------------------------------------

class BigEndianWriter {
 public:
  void u16(std::uint32_t number) {
    bytes_.push_back(static_cast<std::byte>(number >> 8));
    bytes_.push_back(static_cast<std::byte>(number));
  }
  void u32(std::uint32_t number) {
    u16(number >> 16);
    u16(number & 0xFFFF);
  }
  void text(std::string_view text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), begin, begin + text.size());
  }
  void utf16(std::string_view utf8) {
    while (!utf8.empty()) {
      const char32_t code = take_code_point(utf8).value_or(kReplacement);
      if (code < 0x10000) {
        u16(code);
      } else {
        u16(0xD800 + ((code - 0x10000) >> 10));
        u16(0xDC00 + ((code - 0x10000) & 0x3FF));
      }
    }
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace

Exif read_exif(std::span<const std::byte> data) {
  std::string_view bytes(reinterpret_cast<const char*>(data.data()), data.size());
  if (bytes.starts_with(kHead)) bytes.remove_prefix(kHead.size());
  Exif exif;
  if (!bytes.starts_with("II*\0"sv) && !bytes.starts_with("MM\0*"sv)) return exif;
  const Tiff tiff(bytes);
  std::size_t second = 0;
  bool commented = false;
  tiff.each_entry(tiff.u32(4), [&](const Entry& entry) {
    if (entry.tag == kExifDirectory) second = tiff.u32(entry.value);
    if (entry.tag == kOrientation && tiff.u16(entry.value) >= 1 && tiff.u16(entry.value) <= 8)
      exif.orientation = tiff.u16(entry.value);
    if (entry.tag == kMake || entry.tag == kModel) take_comfy_text(tiff.text(entry), exif.text);
  });
  if (second == 0) return exif;
  tiff.each_entry(second, [&](const Entry& entry) {
    if (entry.tag != kUserComment || std::exchange(commented, true)) return;
    std::string comment = user_comment(tiff.text(entry), tiff.big_endian());
    if (!comment.empty()) exif.text.emplace(kInfotextKeyword, std::move(comment));
  });
  return exif;
}

std::vector<std::byte> write_exif(std::string_view comment) {
  constexpr std::uint32_t kFirst = 8, kDirectory = 2 + kEntry + 4, kSecond = kFirst + kDirectory,
                          kValue = kSecond + kDirectory;
  BigEndianWriter text;
  text.text(kUnicode);
  text.utf16(comment);
  const std::vector<std::byte> value = text.take();

  BigEndianWriter out;
  out.text("MM\0*"sv);
  out.u32(kFirst);
  const auto directory = [&](std::uint16_t tag, std::uint16_t type, std::size_t count, std::uint32_t content) {
    out.u16(1);
    out.u16(tag);
    out.u16(type);
    out.u32(static_cast<std::uint32_t>(count));
    out.u32(content);
    out.u32(0);  // no further directory
  };
  directory(kExifDirectory, kLong, 1, kSecond);
  directory(kUserComment, kUndefined, value.size(), kValue);
  std::vector<std::byte> bytes = out.take();
  bytes.insert(bytes.end(), value.begin(), value.end());
  return bytes;
}

}  // namespace safelight
