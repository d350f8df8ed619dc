// Which way to read a file, by looking at it.
#pragma once

#include <span>
#include <string>

#include "format/read_plan.h"
#include "safelight/read.h"

namespace safelight {

struct ReadChoice {
  ReadStrategy strategy;
  std::string reason;
  int threads;  // that suit it on this machine
};

// `bytes`: of the requests. `wanted`: automatic, or what the caller insists on.
ReadChoice choose_strategy(const SafeTensors& file, std::span<const ReadRequest> requests, std::uint64_t bytes,
                           ReadStrategy wanted);

}  // namespace safelight
