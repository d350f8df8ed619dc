#include "arithmetic/stale_metadata.h"

#include <array>
#include <string_view>

namespace safelight {

Metadata without_hashes(Metadata metadata) {
  constexpr std::array<std::string_view, 5> kKeys{"modelspec.hash_sha256", "safelight.content_hash",
                                                  "safelight.tensor_hashes", "sshs_legacy_hash", "sshs_model_hash"};
  for (const std::string_view key : kKeys) metadata.erase(std::string(key));
  return metadata;
}

}  // namespace safelight
