#include "safelight/edit.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/fail.h"
#include "core/glob.h"
#include "core/printable.h"
#include "format/list_names.h"
#include "format/passing_tensor.h"
#include "format/rules.h"
#include "safelight/content_hash.h"

namespace safelight {
namespace {

bool fits_any(const std::string& name, std::span<const std::string> patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return glob_match(pattern, name); });
}

void check_patterns(std::span<const PendingTensor> tensors, std::span<const std::string> patterns) {
  for (const std::string& pattern : patterns)
    if (std::none_of(tensors.begin(), tensors.end(),
                     [&](const PendingTensor& t) { return glob_match(pattern, t.name); }))
      fail(ErrorCategory::model, "[edit] no tensor's name fits \"{}\"", shown(pattern));
}

}  // namespace

std::vector<PendingTensor> tensors_of(const ShardedTensors& files) {
  std::vector<PendingTensor> list;
  list.reserve(files.tensors().size());
  for (const auto& [info, shard] : files.tensors()) {
    Shape shape = shard->tensor(*info).shape();
    list.push_back(
        {info->name, info->dtype, shape, [file = *shard, offset = shard->offset(*info), dtype = info->dtype, shape] {
           Tensor t = allocate_passing(dtype, shape);
           file.read(offset, {t.mutable_data(), t.bytes()});
           return t;
         }});
  }
  return list;
}

std::vector<PendingTensor> join(std::span<const SafeTensors> files) {
  std::vector<PendingTensor> all;
  std::set<std::string_view> seen, repeated;
  for (const SafeTensors& file : files) {
    std::vector<PendingTensor> list = tensors_of(file);
    for (const TensorInfo& info : file.tensors())
      if (!seen.insert(info.name).second) repeated.insert(info.name);
    all.insert(all.end(), std::make_move_iterator(list.begin()), std::make_move_iterator(list.end()));
  }
  if (!repeated.empty())
    fail(ErrorCategory::usage, "[join] several files have the same tensors: {}",
         list_names({repeated.begin(), repeated.end()}));
  return all;
}

JoinedMetadata join_metadata(std::span<const SafeTensors> files) {
  JoinedMetadata joined;
  std::set<std::string> conflicts;
  for (const SafeTensors& file : files)
    for (const auto& [key, value] : without_hashes(file.metadata()))
      if (const auto [place, is_new] = joined.metadata.emplace(key, value); !is_new && place->second != value)
        conflicts.insert(key);
  joined.conflicts.assign(conflicts.begin(), conflicts.end());
  return joined;
}

Metadata without_hashes(Metadata metadata) {
  constexpr std::array<std::string_view, 5> kHashes{kContentHashKey, kTensorHashesKey, "modelspec.hash_sha256",
                                                    "sshs_legacy_hash", "sshs_model_hash"};
  for (const std::string_view key : kHashes) metadata.erase(std::string(key));
  return metadata;
}

std::vector<PendingTensor> keep(std::vector<PendingTensor> tensors, std::span<const std::string> patterns) {
  check_patterns(tensors, patterns);
  std::erase_if(tensors, [&](const PendingTensor& t) { return !fits_any(t.name, patterns); });
  return tensors;
}

std::vector<PendingTensor> drop(std::vector<PendingTensor> tensors, std::span<const std::string> patterns) {
  check_patterns(tensors, patterns);
  std::erase_if(tensors, [&](const PendingTensor& t) { return fits_any(t.name, patterns); });
  return tensors;
}

}  // namespace safelight
