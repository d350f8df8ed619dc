#include "tasks/upscalers.h"

#include <span>

namespace safelight {

std::vector<Upscaler> upscalers() {
  std::vector<Upscaler> all;
  for (const LatentResizeInfo& resize : latent_resizes()) all.push_back({resize.names, resize.mode});
  all.push_back({{"lanczos", "Lanczos"}, std::nullopt});
  return all;
}

Upscaler parse_upscaler(std::string_view name) {
  const std::vector<Upscaler> all = upscalers();
  const Upscaler* row = find_by_name(std::span<const Upscaler>(all), name);
  if (!row) fail_unknown_name("hires-upscaler", std::span<const Upscaler>(all), name);
  return *row;
}

}  // namespace safelight
