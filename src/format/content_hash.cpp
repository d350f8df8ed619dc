#include "safelight/content_hash.h"

#include <fmt/format.h>

#include <atomic>

#include "core/thread_pool.h"
#include "format/hash_text.h"
#include "safelight/guard.h"

namespace safelight {
namespace {

constexpr std::size_t kPiece = std::size_t{8} << 20;  // between two looks at the cancel token

// The bytes hashed so far, reported by the thread that called.
class HashProgress {
 public:
  HashProgress(const SafeTensors& file, const Context& context) : context_(context) {
    for (const TensorInfo& info : file.tensors()) total_ += static_cast<std::int64_t>(info.bytes());
  }

  void add(std::size_t bytes, int worker) {
    context_.check_cancelled();
    const std::int64_t done = done_ += static_cast<std::int64_t>(bytes);
    if (worker == 0) context_.report("hash", done, total_);
  }

 private:
  const Context& context_;
  std::int64_t total_ = 0;
  std::atomic<std::int64_t> done_{0};
};

Hash128 hash_of(const SafeTensors& file, const TensorInfo& info, int worker, HashProgress& progress) {
  const Tensor tensor = file.tensor(info);
  std::span<const std::byte> bytes(tensor.data(), tensor.bytes());
  Xxh3 hash;
  while (!bytes.empty()) {
    const std::span<const std::byte> piece = bytes.first(std::min(kPiece, bytes.size()));
    hash.update(piece);
    progress.add(piece.size(), worker);
    bytes = bytes.subspan(piece.size());
  }
  return hash.digest();
}

std::vector<HashedTensor> hash_all(const SafeTensors& file, const Context& context) {
  const std::span<const TensorInfo> infos = file.tensors();
  std::vector<HashedTensor> hashed;
  hashed.reserve(infos.size());
  for (const TensorInfo& info : infos)
    hashed.push_back({info.name, info.dtype, fmt::format("{}", fmt::join(info.shape, ","))});
  HashProgress progress(file, context);
  const MappingGuard guard(file);
  ThreadPool pool(context.threads, context.cancel);
  pool.parallel_for(static_cast<std::int64_t>(infos.size()), [&](std::int64_t task, int worker) {
    const auto i = static_cast<std::size_t>(task);
    hashed[i].hash = hash_of(file, infos[i], worker, progress);
  });
  guard.check();
  sort_by_name(hashed);
  return hashed;
}

// Names of the tensors whose hash differs from the one in `kept`.
std::vector<std::string> changed_tensors(std::span<const HashedTensor> now, std::string_view kept) {
  std::vector<std::string> changed;
  constexpr std::size_t kDigits = 32;
  if (!kept.starts_with(kHashPrefix) || kept.size() != kHashPrefix.size() + kDigits * now.size()) return changed;
  kept.remove_prefix(kHashPrefix.size());
  for (std::size_t i = 0; i < now.size(); ++i)
    if (kept.substr(kDigits * i, kDigits) != hex(now[i].hash)) changed.emplace_back(now[i].name);
  return changed;
}

}  // namespace

std::string content_hash(const SafeTensors& file, const Context& context) {
  return content_hash_text(hash_all(file, context));
}

Metadata hash_metadata(const SafeTensors& file, const Context& context) {
  Metadata metadata;
  set_hashes(metadata, hash_all(file, context));
  return metadata;
}

HashVerdict verify(const SafeTensors& file, const Context& context) {
  const std::vector<HashedTensor> now = hash_all(file, context);
  HashVerdict verdict{.content = content_hash_text(now)};
  const auto content = file.metadata().find(std::string(kContentHashKey));
  const auto tensors = file.metadata().find(std::string(kTensorHashesKey));
  if (content == file.metadata().end() || !content->second.starts_with(kHashPrefix)) return verdict;
  verdict.kept = true;
  if (tensors != file.metadata().end()) verdict.changed = changed_tensors(now, tensors->second);
  verdict.matches = content->second == verdict.content && verdict.changed.empty();
  return verdict;
}

}  // namespace safelight
