#include "format/foreign/zip_writer.h"

#include <algorithm>

#include "format/foreign/gguf.h"
#include "format/foreign/inflate.h"

namespace safelight::foreign {
namespace {

constexpr std::uint64_t kLargest32 = 0xFFFFFFFF;
constexpr std::uint16_t kVersion = 20, kVersion64 = 45, kUtf8 = 0x0800, kStored = 0;
constexpr std::uint16_t kNoon = 0, kFirstDay = 0x0021;  // 1 January 1980, the first day that the format knows

std::uint32_t clamp32(std::uint64_t value) { return static_cast<std::uint32_t>(std::min(value, kLargest32)); }

// What both headers of an entry have: from the version that is needed to the lengths of name and extra field.
std::string described(std::uint32_t crc, std::uint64_t size, std::string_view name, std::string_view extra) {
  std::string out;
  append_number<std::uint16_t>(out, extra.empty() ? kVersion : kVersion64);
  append_number(out, kUtf8);
  append_number(out, kStored);
  append_number(out, kNoon);
  append_number(out, kFirstDay);
  append_number(out, crc);
  append_number(out, clamp32(size));
  append_number(out, clamp32(size));
  append_number(out, static_cast<std::uint16_t>(name.size()));
  append_number(out, static_cast<std::uint16_t>(extra.size()));
  return out;
}

// The zip64 field with the numbers that do not fit 32 bits; empty if all do.
std::string zip64_extra(std::uint64_t size, std::uint64_t offset) {
  std::string numbers;
  if (size >= kLargest32) {
    append_number(numbers, size);
    append_number(numbers, size);
  }
  if (offset >= kLargest32) append_number(numbers, offset);
  if (numbers.empty()) return {};
  std::string out;
  append_number<std::uint16_t>(out, 1);
  append_number(out, static_cast<std::uint16_t>(numbers.size()));
  return out + numbers;
}

}  // namespace

void ZipWriter::write(std::string_view bytes) {
  file_.write(std::as_bytes(std::span(bytes)));
  position_ += bytes.size();
}

void ZipWriter::add(std::string_view name, std::string_view head, std::span<const std::byte> body) {
  const std::uint64_t offset = position_, size = head.size() + body.size();
  const std::uint32_t crc = crc32(body, crc32(std::as_bytes(std::span(head))));
  const std::string local_extra = zip64_extra(size, 0);
  write("PK\x03\x04" + described(crc, size, name, local_extra));
  write(name);
  write(local_extra);
  write(head);
  file_.write(body);
  position_ += body.size();

  const std::string extra = zip64_extra(size, offset);
  directory_ += "PK\x01\x02";
  append_number(directory_, kVersion64);  // the version that wrote it
  directory_ += described(crc, size, name, extra);
  directory_.append(10, '\0');  // comment, disk, attributes
  append_number(directory_, clamp32(offset));
  directory_ += name;
  directory_ += extra;
  ++entries_;
}

void ZipWriter::finish() {
  constexpr std::uint64_t kLargest16 = 0xFFFF;
  const std::uint64_t begin = position_, bytes = directory_.size();
  write(directory_);
  std::string end;
  if (entries_ >= kLargest16 || begin >= kLargest32 || bytes >= kLargest32) {
    const std::uint64_t end64 = position_;
    end += "PK\x06\x06";
    append_number<std::uint64_t>(end, 44);  // bytes that follow in this record
    append_number(end, kVersion64);
    append_number(end, kVersion64);
    append_number<std::uint64_t>(end, 0);  // disks
    append_number(end, entries_);
    append_number(end, entries_);
    append_number(end, bytes);
    append_number(end, begin);
    end += "PK\x06\x07";
    append_number<std::uint32_t>(end, 0);
    append_number(end, end64);
    append_number<std::uint32_t>(end, 1);  // number of disks
  }
  end += "PK\x05\x06";
  append_number<std::uint32_t>(end, 0);  // disks
  append_number(end, static_cast<std::uint16_t>(std::min(entries_, kLargest16)));
  append_number(end, static_cast<std::uint16_t>(std::min(entries_, kLargest16)));
  append_number(end, clamp32(bytes));
  append_number(end, clamp32(begin));
  append_number<std::uint16_t>(end, 0);  // comment
  write(end);
}

}  // namespace safelight::foreign
