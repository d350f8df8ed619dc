#include "safelight/hash.h"

#include <fmt/format.h>

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
#include "format/edit_journal.h"
#include "format/hash_cache.h"
#include "format/hash_text.h"
#include "format/header.h"
#include "format/rules.h"

namespace safelight {
namespace {

constexpr std::size_t kPiece = std::size_t{4}
                               << 20;  // 10 ms of SHA-256: what starting the tasks costs is nothing beside
constexpr std::uint64_t kAutoV1Begin = 0x100000, kAutoV1Bytes = 0x10000;

std::optional<Contents> contents_of(const MappedFile& file, const std::filesystem::path& path) {
  try {
    return read_contents(file, path, {.mode = Mode::compat, .limits = {}});
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

// The content's hash, of a file that comes in pieces: tensors follow each other without gaps.
class ContentHasher {
 public:
  explicit ContentHasher(const Contents& contents)
      : tensors_(contents.tensors), data_begin_(kLengthField + contents.header_bytes) {}

  void update(std::span<const std::byte> piece, std::uint64_t offset) {
    for (; hashed_.size() < tensors_.size(); finish_tensor()) {
      const TensorInfo& info = tensors_[hashed_.size()];
      hash_->update(common(piece, offset, data_begin_ + info.begin, data_begin_ + info.end));
      if (data_begin_ + info.end > offset + piece.size()) return;
    }
  }

  // After the last piece.
  std::string text() {
    while (hashed_.size() < tensors_.size()) finish_tensor();  // tensors without bytes, of a file without data
    sort_by_name(hashed_);
    return content_hash_text(hashed_);
  }

 private:
  void finish_tensor() {
    const TensorInfo& info = tensors_[hashed_.size()];
    hashed_.push_back({info.name, info.dtype, fmt::format("{}", fmt::join(info.shape, ",")), hash_->digest()});
    hash_.emplace();
  }

  std::span<const TensorInfo> tensors_;
  std::uint64_t data_begin_;
  std::vector<HashedTensor> hashed_;
  std::optional<Xxh3> hash_{std::in_place};
};

// Takes the pieces of a file in their order. The four hashes of a piece are four tasks.
class FileHasher {
 public:
  static constexpr std::int64_t kTasks = 4;

  FileHasher(std::uint64_t size, const std::optional<Contents>& contents) : size_(size), contents_(contents) {
    if (contents) content_.emplace(*contents);
  }

  void update(std::int64_t task, std::span<const std::byte> piece, std::uint64_t offset) {
    if (task == 0) whole_.update(piece);
    if (task == 1 && contents_) data_.update(common(piece, offset, kLengthField + contents_->header_bytes, size_));
    if (task == 2) v1_.update(common(piece, offset, kAutoV1Begin, kAutoV1Begin + kAutoV1Bytes));
    if (task == 3 && content_) content_->update(piece, offset);
  }

  FileHashes hashes() {
    return {.sha256 = whole_.hex(),
            .autov1 = v1_.hex().substr(0, 8),
            .autov2 = {},
            .data_sha256 = contents_ ? data_.hex() : "",
            .autov3 = {},
            .content = content_ ? content_->text() : ""};
  }

 private:
  std::uint64_t size_;
  const std::optional<Contents>& contents_;
  Sha256 whole_, data_, v1_;
  std::optional<ContentHasher> content_;
};

FileHashes compute(const MappedFile& file, const std::filesystem::path& path, const Context& context) {
  const std::uint64_t size = file.bytes().size();
  const std::optional<Contents> contents = contents_of(file, path);
  FileHasher hasher(size, contents);
  std::array<std::vector<std::byte>, 2> buffers;
  for (std::vector<std::byte>& buffer : buffers) buffer.resize(std::min<std::uint64_t>(kPiece, size));
  const auto read = [&](std::uint64_t offset) {
    std::vector<std::byte>& buffer = buffers[offset / kPiece % buffers.size()];
    const std::span<std::byte> piece(buffer.data(), std::min<std::uint64_t>(buffer.size(), size - offset));
    read_fully(file.descriptor(), path, offset, piece);
    return std::span<const std::byte>(piece);
  };
  ThreadPool pool(context.threads, context.cancel);
  std::span<const std::byte> piece = read(0), next;
  for (std::uint64_t offset = 0; offset < size; offset += piece.size(), piece = next) {
    context.check_cancelled();
    context.report("hash", static_cast<std::int64_t>(offset), static_cast<std::int64_t>(size));
    pool.parallel_for(FileHasher::kTasks + 1, [&](std::int64_t task, int) {
      if (task == FileHasher::kTasks)
        next = read(offset + piece.size());
      else
        hasher.update(task, piece, offset);
    });
  }
  context.report("hash", static_cast<std::int64_t>(size), static_cast<std::int64_t>(size));
  return hasher.hashes();
}

}  // namespace

FileHashes hash_file(const std::filesystem::path& path, const HashOptions& options, const Context& context) {
  finish_interrupted_edit(path);
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
