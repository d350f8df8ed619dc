#include "diffusion/samplers.h"

#include <array>

namespace safelight {
namespace {

// Names of A1111, of its first releases ("k_..."), of ComfyUI and of stable-diffusion.cpp.
constexpr std::array<std::string_view, 1> kEuler{"k_euler"};
constexpr std::array<std::string_view, 3> kEulerAncestral{"euler_ancestral", "k_euler_a", "k_euler_ancestral"};
constexpr std::array<std::string_view, 1> kDpmpp2m{"k_dpmpp_2m"};

constexpr std::array<SamplerInfo, 4> kSamplers{{
    {{"euler", "Euler", kEuler}, make_euler},
    {{"euler_a", "Euler a", kEulerAncestral}, make_euler_ancestral},
    {{"ddim", "DDIM"}, make_ddim},
    {{"dpmpp_2m", "DPM++ 2M", kDpmpp2m}, make_dpmpp_2m},
}};

// The endings by which old names ask for Karras spacing, folded: "DPM++ 2M Karras", "k_dpmpp_2m_ka".
constexpr std::array<std::string_view, 2> kKarrasEndings{"karras", "ka"};

}  // namespace

std::span<const SamplerInfo> samplers() noexcept { return kSamplers; }

SamplerChoice parse_sampler(std::string_view name) {
  if (const SamplerInfo* row = find_by_name(samplers(), name)) return {row, Spacing::automatic};
  const std::string wanted = folded(name);
  for (const std::string_view ending : kKarrasEndings) {
    if (!wanted.ends_with(ending)) continue;
    const std::string_view stem = std::string_view(wanted).substr(0, wanted.size() - ending.size());
    if (const SamplerInfo* row = find_by_name(samplers(), stem)) return {row, Spacing::karras};
  }
  fail_unknown_name("sampler", samplers(), name);
}

}  // namespace safelight
