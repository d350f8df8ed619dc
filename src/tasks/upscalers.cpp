#include "tasks/upscalers.h"

#include <array>

namespace safelight {
namespace {

constexpr std::array<UpscalerInfo, 2> kUpscalers{{
    {Upscaler::latent, {"latent", "Latent"}},
    {Upscaler::lanczos, {"lanczos", "Lanczos"}},
}};

}  // namespace

std::span<const UpscalerInfo> upscalers() noexcept { return kUpscalers; }

const UpscalerInfo& info(Upscaler upscaler) noexcept { return kUpscalers[static_cast<std::size_t>(upscaler)]; }

Upscaler parse_upscaler(std::string_view name) {
  const UpscalerInfo* row = find_by_name(upscalers(), name);
  if (!row) fail_unknown_name("hires-upscaler", upscalers(), name);
  return row->upscaler;
}

}  // namespace safelight
