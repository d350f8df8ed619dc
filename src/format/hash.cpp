#include "safelight/hash.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "core/mapped_file.h"
#include "core/read_fully.h"
#include "core/sha256.h"
#include "core/thread_pool.h"
#include "format/contents.h"
#include "format/hash_cache.h"
#include "format/header.h"
#include "format/rules.h"

namespace safelight {
namespace {

constexpr std::size_t kPiece = std::size_t{4}
                               << 20;  // 10 ms of SHA-256: what starting three tasks costs is nothing beside
constexpr std::uint64_t kAutoV1Begin = 0x100000, kAutoV1Bytes = 0x10000;

// Where the data begins, if the file is SafeTensors.
std::optional<std::uint64_t> data_begin(std::span<const std::byte> file) {
  try {
    return kLengthField + read_contents(file, {.mode = Mode::compat, .limits = {}}).header_bytes;
  } catch (const BrokenRule&) {
    return std::nullopt;
  }
}

// What [begin, end) of the file has in common with the piece at `offset`.
std::span<const std::byte> common(std::span<const std::byte> piece, std::uint64_t offset, std::uint64_t begin,
                                  std::uint64_t end) {
  const std::uint64_t from = std::clamp(begin, offset, offset + piece.size());
  const std::uint64_t to = std::clamp(end, from, offset + piece.size());
  return piece.subspan(from - offset, to - from);
}

FileHashes compute(const MappedFile& file, const std::filesystem::path& path, const Context& context) {
  const std::uint64_t size = file.bytes().size();
  const std::optional<std::uint64_t> data = data_begin(file.bytes());
  Sha256 whole, after_header, v1;
  std::array<std::vector<std::byte>, 2> buffers = {std::vector<std::byte>(std::min<std::uint64_t>(kPiece, size)),
                                                   std::vector<std::byte>(std::min<std::uint64_t>(kPiece, size))};
  const auto read = [&](std::vector<std::byte>& buffer, std::uint64_t offset) {
    const std::span<std::byte> piece(buffer.data(), std::min<std::uint64_t>(buffer.size(), size - offset));
    read_fully(file.descriptor(), path, offset, piece);
    return std::span<const std::byte>(piece);
  };
  ThreadPool pool(context.threads, context.cancel);
  std::span<const std::byte> piece = read(buffers[0], 0);
  for (std::uint64_t offset = 0; offset < size;) {
    context.check_cancelled();
    context.report("hash", static_cast<std::int64_t>(offset), static_cast<std::int64_t>(size));
    const std::uint64_t next_offset = offset + piece.size();
    std::span<const std::byte> next;
    pool.parallel_for(3, [&](std::int64_t task, int) {
      if (task == 0) whole.update(piece);
      if (task == 1 && data) after_header.update(common(piece, offset, *data, size));
      if (task == 2) {
        v1.update(common(piece, offset, kAutoV1Begin, kAutoV1Begin + kAutoV1Bytes));
        next = read(buffers[next_offset / kPiece % 2], next_offset);
      }
    });
    piece = next;
    offset = next_offset;
  }
  context.report("hash", static_cast<std::int64_t>(size), static_cast<std::int64_t>(size));
  return {.sha256 = whole.hex(),
          .autov1 = v1.hex().substr(0, 8),
          .autov2 = {},
          .data_sha256 = data ? after_header.hex() : "",
          .autov3 = {}};
}

FileHashes with_short_forms(FileHashes hashes) {
  hashes.autov2 = hashes.sha256.substr(0, 10);
  hashes.autov3 = hashes.data_sha256.substr(0, 12);
  return hashes;
}

}  // namespace

FileHashes hash_file(const std::filesystem::path& path, const HashOptions& options, const Context& context) {
  const auto file = MappedFile::open(path);
  const auto stamp = options.cache ? stamp_of(file->descriptor(), path) : std::nullopt;
  // The background hash of generate() knows the whole file's alone, which leaves the others to be computed.
  if (const auto cached = stamp ? cached_hashes(*stamp) : std::nullopt; cached && !cached->autov1.empty())
    return with_short_forms(*cached);
  FileHashes hashes = compute(*file, path, context);
  if (stamp && stamp_of(file->descriptor(), path) == stamp) cache_hashes(*stamp, hashes);
  return with_short_forms(std::move(hashes));
}

}  // namespace safelight
