#include "safelight/writer.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <bit>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/printable.h"
#include "format/contents.h"
#include "format/coverage.h"
#include "format/hash_text.h"
#include "format/header.h"
#include "format/header_text.h"
#include "format/rules.h"
#include "format/shards.h"
#include "safelight/content_hash.h"

namespace safelight {
namespace {

constexpr std::uint64_t kLargestAlignment = std::uint64_t{1} << 20;
constexpr std::uint64_t kReadBack = std::uint64_t{1} << 20;

// Below, the page cache is faster, and what it holds is read again soon. Above, what is flushed anyway goes past it.
constexpr std::uint64_t kLargeFile = std::uint64_t{64} << 20;

// Where a tensor goes, and what has been written of it.
struct Slot {
  std::size_t file = 0;
  std::uint64_t offset = 0;  // in that file
  std::uint64_t bytes = 0;
  Coverage written;
  std::optional<Hash128> hash;  // once it is known
};

// One file of the set. Its header is written at once, unless the metadata is to hold hashes.
struct Shard {
  std::vector<Placed> tensors;  // in the order of their bytes; `index` is the position in the specs
  std::uint64_t header_bytes = 0;

  std::uint64_t data_bytes() const { return tensors.empty() ? 0 : tensors.back().end; }
};

void check_options(const SaveOptions& options) {
  if (!std::has_single_bit(options.alignment) || options.alignment < 8 || options.alignment > kLargestAlignment)
    fail(ErrorCategory::usage, "[save] expected an alignment that is a power of two from 8 to {}, found {}",
         kLargestAlignment, options.alignment);
}

}  // namespace

struct Writer::State {
  std::filesystem::path path;
  std::vector<TensorSpec> specs;
  Metadata metadata;
  SaveOptions options;
  std::unordered_map<std::string_view, std::size_t> by_name;
  std::vector<std::size_t> order;
  std::vector<Slot> slots;  // one for each spec
  std::vector<Shard> shards;
  std::deque<AtomicFile> files;  // one for each shard; finish() adds the index of a set
  std::mutex mutex;              // guards the slots' coverage and hashes
  std::atomic<bool> failed{false};

  void plan();
  void open_files();
  std::string header_of(const Shard& shard);
  void write_header(std::size_t shard);
  Slot& reserve(std::size_t tensor, std::uint64_t offset, std::uint64_t bytes);
  void check_complete();
  std::vector<HashedTensor> hashes_of(const Shard& shard);
  Hash128 hash_of(const Slot& slot);
  void add_index();
  void verify();
};

// Decides which tensor goes where.
void Writer::State::plan() {
  std::vector<Placed> all;
  for (const TensorSpec& spec : specs) all.push_back({spec.name, spec.dtype, &spec.shape, all.size()});
  place(all);  // checks the names across all shards, and the sizes
  slots.resize(specs.size());
  std::vector<std::uint64_t> bytes(specs.size());
  for (const Placed& t : all) bytes[t.index] = slots[t.index].bytes = t.end - t.begin;
  for (const std::vector<std::size_t>& members : deal_out(bytes, options.shard_bytes)) {
    Shard& shard = shards.emplace_back();
    for (const std::size_t i : members) shard.tensors.push_back({specs[i].name, specs[i].dtype, &specs[i].shape, i});
    place(shard.tensors);
    const std::string header = header_of(shard);
    shard.header_bytes = header.size();
    for (const Placed& t : shard.tensors) {
      slots[t.index].file = shards.size() - 1;
      slots[t.index].offset = header.size() + t.begin;
      order.push_back(t.index);
    }
  }
  for (std::size_t i = 0; i < specs.size(); ++i) by_name.emplace(specs[i].name, i);
}

// With its length field. Before the hashes are known, others of the same length stand for them.
std::string Writer::State::header_of(const Shard& shard) {
  Metadata entries = metadata;
  if (options.hashes) set_hashes(entries, hashes_of(shard));
  return framed(header_text(shard.tensors, entries, {options.alignment, options.metadata_slack}));
}

void Writer::State::write_header(std::size_t shard) {
  const std::string header = header_of(shards[shard]);
  files[shard].write_at(0, std::as_bytes(std::span(header)));
}

void Writer::State::open_files() {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const Shard& shard = shards[i];
    AtomicFile& file = files.emplace_back(shards.size() == 1 ? path : shard_path(path, i, shards.size()));
    file.reserve(shard.header_bytes + shard.data_bytes());
    if (shard.data_bytes() >= kLargeFile) file.use_direct_writes(!options.durable);
    if (!options.hashes) write_header(i);
  }
}

// Marks the bytes as written, before they are.
Slot& Writer::State::reserve(std::size_t tensor, std::uint64_t offset, std::uint64_t bytes) {
  if (tensor >= slots.size())
    fail(ErrorCategory::usage, "[save] there are {} tensors, but tensor {} was to be written", slots.size(), tensor);
  Slot& slot = slots[tensor];
  if (offset > slot.bytes || bytes > slot.bytes - offset)
    fail(ErrorCategory::usage, "[save] tensor \"{}\" has {} bytes, but {} were to be written at {}",
         shown(specs[tensor].name), slot.bytes, bytes, offset);
  const std::lock_guard lock(mutex);
  if (!slot.written.add(offset, offset + bytes))
    fail(ErrorCategory::usage, "[save] some of bytes {} to {} of tensor \"{}\" were written twice", offset,
         offset + bytes, shown(specs[tensor].name));
  return slot;
}

void Writer::State::check_complete() {
  if (failed) fail(ErrorCategory::usage, "[save] {}: a write failed before", shown(path.native()));
  for (const std::size_t i : order)
    if (!slots[i].written.complete(slots[i].bytes))
      fail(ErrorCategory::usage, "[save] tensor \"{}\" is not complete: {} of {} bytes were written",
           shown(specs[i].name), slots[i].written.total(), slots[i].bytes);
}

std::vector<HashedTensor> Writer::State::hashes_of(const Shard& shard) {
  std::vector<HashedTensor> hashed;
  hashed.reserve(shard.tensors.size());
  for (const Placed& t : shard.tensors)
    hashed.push_back({t.name, t.dtype, fmt::format("{}", fmt::join(*t.shape, ",")), hash_of(slots[t.index])});
  return hashed;
}

// A tensor that came in pieces is read back; before it is written, any hash will do.
Hash128 Writer::State::hash_of(const Slot& slot) {
  if (slot.hash) return *slot.hash;
  if (!slot.written.complete(slot.bytes)) return {};
  std::vector<std::byte> buffer(std::min(slot.bytes, kReadBack));
  Xxh3 hash;
  for (std::uint64_t done = 0; done < slot.bytes; done += buffer.size()) {
    const std::span<std::byte> piece(buffer.data(), std::min<std::uint64_t>(buffer.size(), slot.bytes - done));
    files[slot.file].read_at(slot.offset + done, piece);
    hash.update(piece);
  }
  return hash.digest();
}

void Writer::State::add_index() {
  std::vector<IndexEntry> entries;
  std::uint64_t total = 0;
  std::vector<HashedTensor> hashed;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    total += shards[i].data_bytes();
    const std::string file = shard_path(path, i, shards.size()).filename();
    for (const Placed& t : shards[i].tensors) entries.push_back({t.name, file});
    if (!options.hashes) continue;
    std::vector<HashedTensor> more = hashes_of(shards[i]);
    std::move(more.begin(), more.end(), std::back_inserter(hashed));
  }
  sort_by_name(hashed);
  const std::string text = index_text(std::move(entries), total, options.hashes ? content_hash_text(hashed) : "");
  files.emplace_back(index_path(path)).write(std::as_bytes(std::span(text)));
}

Writer::Writer(const std::filesystem::path& path, std::span<const TensorSpec> tensors, const Metadata& metadata,
               const SaveOptions& options)
    : state_(std::make_unique<State>()) {
  check_options(options);
  state_->path = path;
  state_->specs.assign(tensors.begin(), tensors.end());
  state_->metadata = metadata;
  state_->options = options;
  state_->plan();
  state_->open_files();
}

Writer::~Writer() = default;
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;

const std::vector<std::size_t>& Writer::order() const noexcept { return state_->order; }

void Writer::write(std::string_view name, std::span<const std::byte> bytes, std::uint64_t offset) {
  const auto found = state_->by_name.find(name);
  if (found == state_->by_name.end()) fail(ErrorCategory::usage, "[save] no tensor is named \"{}\"", shown(name));
  write(found->second, bytes, offset);
}

void Writer::write(std::size_t tensor, std::span<const std::byte> bytes, std::uint64_t offset) {
  Slot& slot = state_->reserve(tensor, offset, bytes.size());
  try {
    state_->files[slot.file].write_at(slot.offset + offset, bytes);
  } catch (...) {
    state_->failed = true;
    throw;
  }
  if (!state_->options.hashes || bytes.size() != slot.bytes) return;
  const Hash128 hash = xxh3(bytes);
  const std::lock_guard lock(state_->mutex);
  slot.hash = hash;
}

// Throws Error(io) if a file is not what its header says: the disk, or a fault of ours.
void Writer::State::verify() {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    std::string header(shards[i].header_bytes, '\0');
    files[i].read_at(0, std::as_writable_bytes(std::span(header)));
    struct stat status {};
    try {
      if (::fstat(files[i].descriptor(), &status) != 0 || header != header_of(shards[i]))
        broken(Rule::io, "what was read back is not what was written");
      read_contents(std::as_bytes(std::span(header)), static_cast<std::uint64_t>(status.st_size), {});
    } catch (const BrokenRule& e) {
      fail(ErrorCategory::io, "[save] {} was not written as it should be: {} (rule {})", printable(path.native()),
           e.what(), name(e.rule()));
    }
  }
}

SaveReport Writer::finish() {
  State& s = *state_;
  s.check_complete();
  if (s.options.hashes)
    for (std::size_t i = 0; i < s.shards.size(); ++i) {
      for (const Placed& t : s.shards[i].tensors) s.slots[t.index].hash = s.hash_of(s.slots[t.index]);
      s.write_header(i);
    }
  if (s.options.verify) s.verify();
  if (s.shards.size() == 1) return s.files.front().commit(s.options.durable);
  s.add_index();
  return commit_together(s.files, s.options.durable);
}

}  // namespace safelight
