// The samplers by name. docs/adding-a-sampler.md says how to add one.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/name_table.h"
#include "diffusion/sampler.h"

namespace safelight {

struct SamplerInfo {
  Names names;
  std::unique_ptr<Sampler> (*make)();
};
std::span<const SamplerInfo> samplers() noexcept;

// What a sampler's name says. A1111's old names carry the spacing ("DPM++ 2M Karras"); others leave it automatic.
struct SamplerChoice {
  const SamplerInfo* sampler = nullptr;  // never null from parse_sampler
  Spacing spacing = Spacing::automatic;
};

// Ignoring case, spaces, '-' and '_'. Throws Error(usage) that lists all names.
SamplerChoice parse_sampler(std::string_view name);

// Each from the file of its name.
std::unique_ptr<Sampler> make_euler();
std::unique_ptr<Sampler> make_euler_ancestral();
std::unique_ptr<Sampler> make_ddim();
std::unique_ptr<Sampler> make_dpmpp_2m();

}  // namespace safelight
