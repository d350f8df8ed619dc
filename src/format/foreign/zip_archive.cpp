#include "format/foreign/zip_archive.h"

#include <algorithm>
#include <numeric>

#include "core/fail.h"
#include "format/foreign/byte_cursor.h"
#include "format/foreign/inflate.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::uint16_t kEncrypted = 0x2041, kDescriptor = 0x0008;  // flags: the former are all kinds of encryption
constexpr std::uint16_t kStored = 0, kDeflated = 8;
constexpr std::size_t kEndBytes = 22, kLocator64Bytes = 20, kEnd64Bytes = 56, kLongestComment = 65535;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // "the number is in the zip64 field"

template <class... Args>
[[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorCategory::format, "[zip] " + fmt::format(format, std::forward<Args>(args)...));
}

struct Directory {
  std::uint64_t entries = 0, begin = 0, bytes = 0;
};

// The end record is the last thing in the file, and the last that looks like one: other readers take the last
// signature, whatever follows it. An archive inside the comment of another one would show them and us different files.
std::size_t find_end_record(std::span<const std::byte> file) {
  if (file.size() < kEndBytes) bad("expected an end record of {} bytes, but the file has {}", kEndBytes, file.size());
  const std::size_t last = file.size() - kEndBytes;
  const std::size_t first = last - std::min(last, kLongestComment);
  for (std::size_t at = last + 1; at-- > first;) {
    if (load<std::uint32_t>(&file[at]) != kEnd) continue;
    if (load<std::uint16_t>(&file[at + 20]) == last - at) return at;
    break;
  }
  bad("expected the end record of the archive at the end of the file: it is cut off, or something follows");
}

void check_end(const Directory& directory, std::uint64_t end) {
  if (directory.begin > end || end - directory.begin != directory.bytes)
    bad("the central directory, said to be {} bytes at byte {}, does not end at byte {} where its end record begins",
        directory.bytes, directory.begin, end);
}

Directory read_end64(std::span<const std::byte> file, std::size_t locator) {
  ByteCursor at(file, "zip", locator + 4);
  at.read<std::uint32_t>();  // disk
  const auto end = at.read<std::uint64_t>();
  if (end > locator || locator - end < kEnd64Bytes) bad("the zip64 end record, said to be at byte {}, is not", end);
  ByteCursor record(file, "zip", static_cast<std::size_t>(end));
  if (record.read<std::uint32_t>() != kEnd64) bad("expected the zip64 end record at byte {}", end);
  if (record.read<std::uint64_t>() != locator - end - 12) bad("the zip64 end record at byte {} has a wrong size", end);
  record.take(4);  // versions
  const auto disk = record.read<std::uint32_t>(), directory_disk = record.read<std::uint32_t>();
  const auto here = record.read<std::uint64_t>();
  Directory directory{.entries = record.read<std::uint64_t>()};
  directory.bytes = record.read<std::uint64_t>();
  directory.begin = record.read<std::uint64_t>();
  if (disk != 0 || directory_disk != 0 || here != directory.entries) bad("archives in several parts cannot be read");
  check_end(directory, end);
  return directory;
}

Directory find_directory(std::span<const std::byte> file) {
  const std::size_t end = find_end_record(file);
  ByteCursor record(file, "zip", end + 4);
  const auto disk = record.read<std::uint16_t>(), directory_disk = record.read<std::uint16_t>();
  const auto here = record.read<std::uint16_t>(), entries = record.read<std::uint16_t>();
  const auto bytes = record.read<std::uint32_t>(), begin = record.read<std::uint32_t>();
  if (end >= kLocator64Bytes && load<std::uint32_t>(&file[end - kLocator64Bytes]) == kLocator64) {
    const Directory directory = read_end64(file, end - kLocator64Bytes);
    if ((entries != 0xFFFF && entries != directory.entries) || (bytes != kIn64 && bytes != directory.bytes) ||
        (begin != kIn64 && begin != directory.begin))
      bad("the end record and the zip64 end record disagree");
    return directory;
  }
  if (disk != 0 || directory_disk != 0 || here != entries) bad("archives in several parts cannot be read");
  const Directory directory{entries, begin, bytes};
  check_end(directory, end);
  return directory;
}

// The part of a header that the central directory and the entry itself both have.
struct Described {
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0;
  std::uint64_t compressed = 0, size = 0;
};

Described read_described(ByteCursor& at) {
  Described d;
  d.flags = at.read<std::uint16_t>();
  d.method = at.read<std::uint16_t>();
  at.take(4);  // date and time
  d.crc = at.read<std::uint32_t>();
  d.compressed = at.read<std::uint32_t>();
  d.size = at.read<std::uint32_t>();
  return d;
}

// Takes 64-bit numbers from the extra field, in the order size, compressed size, offset, those that are called for.
void apply_zip64(std::span<const std::byte> extra, std::string_view name, std::uint64_t& size,
                 std::uint64_t& compressed, std::uint64_t* offset) {
  ByteCursor at(extra, "zip");
  while (at.remaining() >= 4) {
    const auto id = at.read<std::uint16_t>();
    const auto length = at.read<std::uint16_t>();
    if (length > at.remaining()) break;  // padding that is no field, as Android's tools leave it
    ByteCursor field(at.take(length), "zip");
    if (id != 1) continue;
    if (size == kIn64) size = field.read<std::uint64_t>();
    if (compressed == kIn64) compressed = field.read<std::uint64_t>();
    if (offset && *offset == kIn64) *offset = field.read<std::uint64_t>();
    return;
  }
  if (size == kIn64 || compressed == kIn64 || (offset && *offset == kIn64))
    bad("entry \"{}\" says that its sizes are in a zip64 field, but has none", shown(name));
}

void check_readable(const Described& d, std::string_view name, const ZipLimits& limits) {
  if (name.size() > limits.name_bytes)
    fail(ErrorCategory::limit, "[zip] the name of an entry has {} bytes, more than {}", name.size(), limits.name_bytes);
  if (name.find('\0') != std::string_view::npos) bad("the name of entry \"{}\" has a NUL in it", shown(name));
  if (d.flags & kEncrypted) bad("entry \"{}\" is encrypted", shown(name));
  if (d.method != kStored && d.method != kDeflated)
    bad("entry \"{}\" is compressed by method {}; expected stored (0) or deflate (8)", shown(name), d.method);
  if (d.method == kStored && d.size != d.compressed)
    bad("entry \"{}\" is stored, but its sizes differ: {} and {}", shown(name), d.compressed, d.size);
  if (d.method == kDeflated && d.size / kLargestDeflateRatio > d.compressed)
    bad("entry \"{}\" claims to give {} bytes out of {}, which deflate cannot", shown(name), d.size, d.compressed);
  if (d.method == kDeflated && d.size > limits.free_bytes && d.size / limits.ratio > d.compressed)
    fail(ErrorCategory::limit, "[zip] entry \"{}\" grows from {} to {} bytes, more than {}-fold: a decompression bomb",
         shown(name), d.compressed, d.size, limits.ratio);
}

// Where the entry's data begin: after its local header, which must say what the central directory says.
std::uint64_t check_local(std::span<const std::byte> file, std::uint64_t offset, std::string_view name,
                          const Described& central) {
  if (offset > file.size()) bad("entry \"{}\" is said to be at byte {}, outside the file", shown(name), offset);
  ByteCursor at(file, "zip", static_cast<std::size_t>(offset));
  if (at.read<std::uint32_t>() != kLocal) bad("expected the header of entry \"{}\" at byte {}", shown(name), offset);
  at.take(2);  // version
  Described local = read_described(at);
  const auto name_bytes = at.read<std::uint16_t>(), extra_bytes = at.read<std::uint16_t>();
  const std::string_view local_name = at.take_text(name_bytes);
  const auto extra = at.take(extra_bytes);
  if (local_name != name)
    bad("the entry at byte {} is named \"{}\" there and \"{}\" in the central directory", offset, shown(local_name),
        shown(name));
  if (local.method != central.method ||
      (local.flags & (kEncrypted | kDescriptor)) != (central.flags & (kEncrypted | kDescriptor)))
    bad("the two headers of entry \"{}\" disagree on how it is stored", shown(name));
  // With a data descriptor the local header may leave them zero: they follow the data.
  const bool later = (local.flags & kDescriptor) && local.crc == 0;
  if (local.size == kIn64 || local.compressed == kIn64) apply_zip64(extra, name, local.size, local.compressed, nullptr);
  const bool zero = local.size == 0 && local.compressed == 0;
  if (!(later && zero) &&
      (local.crc != central.crc || local.size != central.size || local.compressed != central.compressed))
    bad("the two headers of entry \"{}\" disagree on its size or checksum", shown(name));
  return at.position();
}

struct Located {
  std::uint64_t begin, end;  // header and data
  std::size_t entry;
};

void refuse_overlaps(std::vector<Located>& places, std::span<const ZipEntry> entries) {
  std::sort(places.begin(), places.end(), [](const Located& a, const Located& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < places.size(); ++i)
    if (places[i].begin < places[i - 1].end)
      bad("entries \"{}\" and \"{}\" overlap at byte {}", shown(entries[places[i - 1].entry].name),
          shown(entries[places[i].entry].name), places[i].begin);
}

}  // namespace

ZipArchive ZipArchive::open(std::span<const std::byte> file, std::shared_ptr<const void> owner,
                            const ZipLimits& limits) {
  const Directory directory = find_directory(file);
  constexpr std::uint64_t kShortestHeader = 46;
  if (directory.entries > directory.bytes / kShortestHeader)
    bad("the central directory of {} bytes cannot hold {} entries", directory.bytes, directory.entries);
  if (directory.entries > limits.entries)
    fail(ErrorCategory::limit, "[zip] the archive has {} entries, more than {}", directory.entries, limits.entries);

  ZipArchive archive;
  archive.owner_ = std::move(owner);
  archive.entries_.reserve(static_cast<std::size_t>(directory.entries));
  std::vector<Located> places;
  places.reserve(static_cast<std::size_t>(directory.entries));
  const std::span<const std::byte> before = file.first(static_cast<std::size_t>(directory.begin));
  std::uint64_t inflated = 0;
  ByteCursor at(file.first(static_cast<std::size_t>(directory.begin + directory.bytes)), "zip",
                static_cast<std::size_t>(directory.begin));
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (at.read<std::uint32_t>() != kCentral) bad("expected a central header at byte {}", at.position() - 4);
    at.take(4);  // versions
    Described d = read_described(at);
    const auto name_bytes = at.read<std::uint16_t>(), extra_bytes = at.read<std::uint16_t>();
    const auto comment_bytes = at.read<std::uint16_t>();
    at.take(8);  // disk, attributes
    std::uint64_t offset = at.read<std::uint32_t>();
    const std::string_view name = at.take_text(name_bytes);
    const auto extra = at.take(extra_bytes);
    at.take(comment_bytes);
    if (d.size == kIn64 || d.compressed == kIn64 || offset == kIn64)
      apply_zip64(extra, name, d.size, d.compressed, &offset);
    check_readable(d, name, limits);
    const std::uint64_t begin = check_local(before, offset, name, d);
    if (d.compressed > before.size() - begin)
      bad("the {} bytes of entry \"{}\" at byte {} reach into the central directory", d.compressed, shown(name), begin);
    if (d.method == kDeflated && (inflated += d.size) > limits.inflated_bytes)
      fail(ErrorCategory::limit, "[zip] the compressed entries would give more than {} bytes", limits.inflated_bytes);
    places.push_back({offset, begin + d.compressed, archive.entries_.size()});
    archive.entries_.push_back(
        {name, d.method == kDeflated, d.crc, d.size, begin,
         before.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(d.compressed))});
  }
  if (!at.at_end()) bad("{} bytes follow the last header of the central directory", at.remaining());
  refuse_overlaps(places, archive.entries_);

  archive.by_name_.resize(archive.entries_.size());
  std::iota(archive.by_name_.begin(), archive.by_name_.end(), 0u);
  const auto name_of = [&](std::uint32_t i) { return archive.entries_[i].name; };
  std::sort(archive.by_name_.begin(), archive.by_name_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return name_of(a) < name_of(b); });
  for (std::size_t i = 1; i < archive.by_name_.size(); ++i)
    if (name_of(archive.by_name_[i]) == name_of(archive.by_name_[i - 1]))
      bad("two entries are named \"{}\"", shown(name_of(archive.by_name_[i])));
  return archive;
}

const ZipEntry* ZipArchive::find(std::string_view name) const noexcept {
  const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                      [&](std::uint32_t i, std::string_view n) { return entries_[i].name < n; });
  return found != by_name_.end() && entries_[*found].name == name ? &entries_[*found] : nullptr;
}

ZipArchive::Bytes ZipArchive::read(const ZipEntry& entry) const {
  if (!entry.compressed) return {entry.stored, owner_};
  auto bytes = inflate(entry.stored, static_cast<std::size_t>(entry.size));
  const std::span<const std::byte> span{bytes.get(), static_cast<std::size_t>(entry.size)};
  if (crc32(span) != entry.crc) bad("the checksum of entry \"{}\" is wrong: the file is damaged", shown(entry.name));
  return {span, std::move(bytes)};
}

ZipArchive::Bytes ZipArchive::read_checked(const ZipEntry& entry) const {
  Bytes bytes = read(entry);
  if (!entry.compressed && entry.crc != 0 && crc32(bytes.span) != entry.crc)
    bad("the checksum of entry \"{}\" is wrong: the file is damaged", shown(entry.name));
  return bytes;
}

ZipArchive::Bytes ZipArchive::read_first(const ZipEntry& entry, std::size_t count) const {
  if (!entry.compressed) return {entry.stored.first(std::min(count, entry.stored.size())), owner_};
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(count, entry.size));
  auto bytes = inflate_first(entry.stored, size);
  const std::span<const std::byte> span{bytes.get(), size};
  return {span, std::move(bytes)};
}

bool looks_like_zip(std::span<const std::byte> file) noexcept {
  return as_text(file).starts_with("PK\x03\x04") || as_text(file).starts_with("PK\x05\x06");
}

}  // namespace safelight::foreign
