// PyTorch's files.
//
// Zip: NAME/data.pkl (a pickle whose tensors refer to storages by key), NAME/data/KEY (each storage's bytes),
//      NAME/byteorder, NAME/version.
// Legacy, before version 1.6: five pickles one after another (magic number, protocol, a dictionary on the machine, the
//      object, the list of the storages' keys), then for each key the number of elements (64 bits) and the bytes.
// A plain pickle of NumPy arrays is read, too.
#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>

#include "core/fail.h"
#include "format/foreign/byte_cursor.h"
#include "format/foreign/flatten.h"
#include "format/foreign/readers.h"
#include "format/foreign/torch_objects.h"
#include "format/foreign/zip_archive.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

using Kind = PickleValue::Kind;

// The bytes of one storage. A compressed one is inflated when it is asked for, and kept as long as a tensor uses it.
class Storage {
 public:
  Storage(std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
      : size_(bytes.size()), bytes_{bytes, std::move(owner)} {}
  Storage(std::shared_ptr<const ZipArchive> archive, const ZipEntry& entry)
      : size_(entry.size), archive_(std::move(archive)), entry_(&entry) {}

  std::uint64_t size() const noexcept { return size_; }
  bool compressed() const noexcept { return entry_ && entry_->compressed; }

  ZipArchive::Bytes read() {
    if (!entry_) return bytes_;
    const std::lock_guard lock(mutex_);
    if (!entry_->compressed) {
      ZipArchive::Bytes stored = checked_ ? archive_->read(*entry_) : archive_->read_checked(*entry_);
      checked_ = true;
      return stored;
    }
    if (auto owner = inflated_.lock()) return {bytes_.span, std::move(owner)};
    ZipArchive::Bytes fresh = archive_->read(*entry_);
    bytes_.span = fresh.span;
    inflated_ = fresh.owner;
    return fresh;
  }

 private:
  std::uint64_t size_;
  std::shared_ptr<const ZipArchive> archive_;
  const ZipEntry* entry_ = nullptr;
  ZipArchive::Bytes bytes_{};
  std::weak_ptr<const void> inflated_;
  bool checked_ = false;  // the checksum of a stored entry has been compared
  std::mutex mutex_;
};

using Storages = std::map<std::string_view, std::shared_ptr<Storage>>;

PickleRun run_or_refuse(std::span<const std::byte> file, std::size_t begin, const Context& context) {
  PickleRun run = run_pickle(file, begin, {}, RawArrays::none, context);
  if (!run.broken.empty()) fail(ErrorCategory::format, "{}", run.broken);
  return run;
}

// Where tensors of one storage overlap, the later is told to share the earlier one's bytes.
void find_shared(const std::vector<NamedPickledTensor>& tensors, std::vector<SharedTensor>& shared) {
  struct Place {
    std::string_view key;
    std::uint64_t begin, end;
    std::size_t tensor;
  };
  std::vector<Place> places;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const PickledTensor& t = tensors[i].tensor;
    if (t.is_inline) continue;
    const Extent extent = extent_of(t.array);
    const std::uint64_t base = t.storage.offset * static_cast<std::uint64_t>(bits(t.storage.dtype)) / 8;
    if (extent.begin < extent.end) places.push_back({t.storage.key, base + extent.begin, base + extent.end, i});
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.key, a.begin, a.tensor) < std::tie(b.key, b.begin, b.tensor);
  });
  const Place* widest = nullptr;  // of those before, the one that reaches farthest
  for (const Place& place : places) {
    if (widest && widest->key == place.key && place.begin < widest->end)
      shared.push_back({tensors[place.tensor].name, tensors[widest->tensor].name});
    if (!widest || widest->key != place.key || place.end > widest->end) widest = &place;
  }
}

// What all tensors together may have: honest files repeat a storage a few times at most, or are small.
constexpr std::uint64_t kMostRepeats = 8, kFreeBytes = std::uint64_t{4} << 30;

class TensorMaker {
 public:
  TensorMaker(const FileBytes& file, const Storages& storages, bool big_endian)
      : file_(file), storages_(storages), big_endian_(big_endian) {}

  PendingTensor make(NamedPickledTensor named) {
    PickledTensor& tensor = named.tensor;
    std::shared_ptr<Storage> storage;
    std::uint64_t bytes = 0;
    if (tensor.is_inline) {
      storage = inline_storage(tensor);
      bytes = check_array(tensor.array, storage->size(), "pickle", named.name);
    } else {
      storage = find(tensor.storage, named.name);
      tensor.array.big_endian = big_endian_;
      add_view(tensor, named.name);
      bytes = check_array(tensor.array, storage->size(), "torch", named.name);
    }
    total_ += storage->compressed() ? std::max(bytes, storage->size()) : bytes;  // the work to be done for it
    if (total_ > kFreeBytes && (total_ - kFreeBytes) / kMostRepeats > file_.bytes.size())
      fail(ErrorCategory::limit, "[torch] the tensors repeat the {} bytes of the file until they have more than {}",
           file_.bytes.size(), total_);
    PendingTensor pending{.name = std::move(named.name), .dtype = tensor.array.dtype, .shape = tensor.array.shape};
    pending.make = [storage = std::move(storage), array = std::move(tensor.array)] {
      ZipArchive::Bytes source = storage->read();
      return to_tensor(array, source.span, std::move(source.owner));
    };
    return pending;
  }

 private:
  std::shared_ptr<Storage> inline_storage(PickledTensor& tensor) const {
    if (tensor.decoded.empty()) return std::make_shared<Storage>(std::as_bytes(std::span(tensor.bytes)), file_.owner);
    const auto text = std::make_shared<const std::string>(std::move(tensor.decoded));
    return std::make_shared<Storage>(std::as_bytes(std::span(*text)), text);
  }

  std::shared_ptr<Storage> find(const StorageRef& ref, std::string_view name) const {
    const auto found = storages_.find(ref.key);
    if (found == storages_.end())
      fail(ErrorCategory::format, "[torch] tensor \"{}\" is in storage \"{}\", which the file does not have",
           shown(name), shown(ref.key));
    return found->second;
  }

  static void add_view(PickledTensor& tensor, std::string_view name) {
    const std::uint64_t size = static_cast<std::uint64_t>(bits(tensor.storage.dtype)),
                        own = static_cast<std::uint64_t>(bits(tensor.array.dtype));
    std::uint64_t base = 0;
    if (__builtin_mul_overflow(tensor.storage.offset, size, &base) || base % own != 0 ||
        __builtin_add_overflow(tensor.array.offset, base / own, &tensor.array.offset))
      fail(ErrorCategory::format, "[torch] tensor \"{}\" is a view with an unsound offset", shown(name));
  }

  const FileBytes& file_;
  const Storages& storages_;
  bool big_endian_;
  std::uint64_t total_ = 0;
};

ImportedFile import_pickle(const PickleRun& run, const FileBytes& file, const Storages& storages, bool big_endian,
                           const ImportOptions& options) {
  Flattened flattened = flatten(run, options.prefix);
  ImportedFile result;
  TensorMaker maker(file, storages, big_endian);
  result.tensors.reserve(flattened.tensors.size());
  std::vector<NamedPickledTensor> places;  // without the bytes that a pickle held as text
  for (NamedPickledTensor& t : flattened.tensors) {
    places.push_back({t.name, {.array = t.tensor.array, .is_inline = t.tensor.is_inline, .storage = t.tensor.storage}});
    result.tensors.push_back(maker.make(std::move(t)));
  }
  find_shared(places, result.shared);
  result.dropped = std::move(flattened.dropped);
  result.dropped_count = flattened.dropped_count;
  if (!flattened.taken.empty())
    result.notes.push_back(fmt::format("took what is under \"{}\"", shown(flattened.taken)));
  return result;
}

// "archive/data.pkl": its folder, with the slash; nothing if there is none.
std::optional<std::string_view> archive_prefix(const ZipArchive& archive) {
  constexpr std::string_view kPickle = "data.pkl";
  std::optional<std::string_view> prefix;
  for (const ZipEntry& entry : archive.entries()) {
    const std::size_t slash = entry.name.find('/');
    const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
    if (entry.name.substr(begin) != kPickle) continue;
    if (prefix)
      fail(ErrorCategory::format, "[torch] the zip archive has two pickles, {}data.pkl and {}data.pkl", shown(*prefix),
           shown(entry.name.substr(0, begin)));
    prefix = entry.name.substr(0, begin);
  }
  return prefix;
}

bool has_big_endian_bytes(const ZipArchive& archive, const std::string& prefix) {
  const ZipEntry* entry = archive.find(prefix + "byteorder");
  if (!entry) return false;
  const std::string_view order = as_text(entry->stored);
  if (!entry->compressed && order == "big") return true;
  if (entry->compressed || order != "little")
    fail(ErrorCategory::format, "[torch] expected the byte order \"little\" or \"big\", found \"{}\"", shown(order));
  return false;
}

ImportedFile read_zip(const FileBytes& file, const ImportOptions& options, const Context& context) {
  const auto archive = std::make_shared<const ZipArchive>(ZipArchive::open(file.bytes, file.owner));
  const auto found = archive_prefix(*archive);
  if (!found) fail(ErrorCategory::format, "[torch] the zip archive has no data.pkl: PyTorch did not write it");
  const std::string prefix(*found);
  const ZipEntry* pickle = archive->find(prefix + "data.pkl");
  if (archive->find(prefix + "constants.pkl"))
    fail(ErrorCategory::format,
         "[torch] this is a TorchScript archive, a program with its weights; save the model's state_dict() instead");

  Storages storages;
  std::size_t unchecked = 0;
  const std::string folder = prefix + "data/";
  for (const ZipEntry& entry : archive->entries()) {
    if (!entry.name.starts_with(folder)) continue;
    storages.emplace(entry.name.substr(folder.size()), std::make_shared<Storage>(archive, entry));
    unchecked += !entry.compressed && entry.crc == 0 && entry.size > 0;
  }

  // A pickle that was compressed lives as long as the arrays that are inside it.
  const ZipArchive::Bytes bytes = archive->read_checked(*pickle);
  const PickleRun run = run_or_refuse(bytes.span, 0, context);
  FileBytes source{file.bytes, bytes.owner ? bytes.owner : file.owner};
  ImportedFile result = import_pickle(run, source, storages, has_big_endian_bytes(*archive, prefix), options);
  result.description = "a PyTorch checkpoint";
  if (unchecked > 0)
    result.notes.push_back(fmt::format("{} storages have no checksum: damage to them would not be seen", unchecked));
  return result;
}

constexpr std::string_view kLegacyMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);

bool is_legacy(const PickleRun& first) {
  const PickleValue& value = first[first.result];
  return first.broken.empty() && value.kind == Kind::big_integer && value.text == kLegacyMagic;
}

// The storages that the pickle refers to: how many bytes each has.
std::map<std::string_view, StorageRef> storages_of(const PickleRun& run) {
  std::map<std::string_view, StorageRef> storages;
  for (Ref ref = 0; ref < run.values.size(); ++ref) {
    if (run[ref].kind != Kind::persistent) continue;
    if (const auto storage = as_torch_storage(run, ref)) storages.emplace(storage->key, *storage);
  }
  return storages;
}

Storages read_legacy_storages(const FileBytes& file, const PickleRun& object, const PickleRun& keys) {
  const auto known = storages_of(object);
  ByteCursor at(file.bytes, "torch", keys.end);
  Storages storages;
  for (const Ref ref : keys[keys.result].items) {
    const std::string_view key = keys[ref].text;
    const auto found = known.find(key);
    if (found == known.end())
      fail(ErrorCategory::format, "[torch] the file has a storage \"{}\" that no tensor uses: its size is not known",
           shown(key));
    const auto numel = at.read<std::uint64_t>();
    if (numel != found->second.numel)
      fail(ErrorCategory::format, "[torch] storage \"{}\" has {} elements, but its tensors expect {}", shown(key),
           numel, found->second.numel);
    const std::uint64_t size = static_cast<std::uint64_t>(bits(found->second.dtype)) / 8;
    if (numel > at.remaining() / size)
      fail(ErrorCategory::format, "[torch] storage \"{}\" of {} elements at byte {} reaches past the end of the file",
           shown(key), numel, at.position());
    storages.emplace(key, std::make_shared<Storage>(at.take(numel * size), file.owner));
  }
  if (!at.at_end())
    fail(ErrorCategory::format, "[torch] {} bytes follow the last storage at byte {}", at.remaining(), at.position());
  return storages;
}

ImportedFile read_legacy(const FileBytes& file, const PickleRun& magic, const ImportOptions& options,
                         const Context& context) {
  const PickleRun protocol = run_or_refuse(file.bytes, magic.end, context);
  constexpr std::int64_t kProtocol = 1001;
  if (protocol[protocol.result].number != kProtocol)
    fail(ErrorCategory::format, "[torch] expected version {} of the legacy format, found {}", kProtocol,
         protocol[protocol.result].number);
  const PickleRun machine = run_or_refuse(file.bytes, protocol.end, context);
  // Its "little_endian" tells of the machine. The storages are little-endian in any case: a big-endian one swaps them.
  const PickleRun object = run_or_refuse(file.bytes, machine.end, context);
  const PickleRun keys = run_or_refuse(file.bytes, object.end, context);
  const Storages storages = read_legacy_storages(file, object, keys);
  ImportedFile result = import_pickle(object, file, storages, false, options);
  result.description = "a PyTorch checkpoint in the legacy format";
  return result;
}

// A tar archive begins with the name of its first member and has its magic at byte 257.
bool is_tar(std::span<const std::byte> file) {
  constexpr std::size_t kMagic = 257;
  return file.size() > kMagic + 5 && as_text(file).substr(kMagic, 5) == "ustar";
}

}  // namespace

bool is_torch_archive(const FileBytes& file) {
  const ZipArchive archive = ZipArchive::open(file.bytes, file.owner);
  return archive_prefix(archive).has_value();
}

bool begins_like_legacy_torch(std::span<const std::byte> bytes) {
  constexpr std::size_t kLongest = 64;  // of the magic number's pickle, in any protocol
  return is_legacy(run_pickle(bytes.first(std::min(bytes.size(), kLongest))));
}

ImportedFile read_torch(const FileBytes& file, const ImportOptions& options, const Context& context) {
  if (looks_like_zip(file.bytes)) return read_zip(file, options, context);
  if (is_tar(file.bytes))
    fail(ErrorCategory::format,
         "[torch] this is a tar archive, the format of PyTorch before 0.1.10, which is not read; "
         "load and save it with PyTorch first");
  const PickleRun first = run_or_refuse(file.bytes, 0, context);
  if (is_legacy(first)) return read_legacy(file, first, options, context);
  ImportedFile result = import_pickle(first, file, {}, false, options);
  result.description = "a pickle";
  return result;
}

}  // namespace safelight::foreign
