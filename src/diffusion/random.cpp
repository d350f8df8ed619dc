#include "diffusion/random.h"

#include <array>

#include "diffusion/philox_generator.h"
#include "diffusion/torch_cpu_generator.h"

namespace safelight {
namespace {

constexpr std::array<std::string_view, 3> kPhiloxAliases{"gpu", "nv", "cuda"};
constexpr std::array<RngInfo, 2> kRngs{{
    {Rng::philox, {"philox", "NV", kPhiloxAliases}},
    {Rng::cpu, {"cpu", "CPU"}},
}};

}  // namespace

std::span<const RngInfo> rngs() noexcept { return kRngs; }

const RngInfo& info(Rng rng) noexcept { return kRngs[static_cast<std::size_t>(rng)]; }

Rng parse_rng(std::string_view name) {
  const RngInfo* row = find_by_name(rngs(), name);
  if (!row) fail_unknown_name("rng", rngs(), name);
  return row->rng;
}

std::unique_ptr<RandomGenerator> make_generator(Rng rng, std::uint64_t seed) {
  if (rng == Rng::cpu) return std::make_unique<TorchCpuGenerator>(seed);
  return std::make_unique<PhiloxGenerator>(seed);
}

}  // namespace safelight
