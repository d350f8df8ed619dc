// Any bytes are either refused with an Error or give an index that keeps to its folder where we say so.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "format/shard_index.h"
#include "safelight/error.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_shard(const std::string& file) {
  if (const auto n = safelight::shard_number(file)) require(file.starts_with(n->stem) && n->stem.size() < file.size());
  if (!safelight::stays_in_folder(file)) return;
  const std::filesystem::path path = (std::filesystem::path("/folder") / file).lexically_normal();
  require(path.native().starts_with("/folder/"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const safelight::ShardIndex index = safelight::parse_shard_index(text, {});
    for (const std::string& file : index.shards) check_shard(file);
    for (const safelight::ShardIndex::Entry& entry : index.entries) require(entry.shard < index.shards.size());
  } catch (const safelight::Error& e) {
    require(e.category() == safelight::ErrorCategory::format);
    require(std::strchr(e.what(), '\n') == nullptr);
  }
  return 0;
}
