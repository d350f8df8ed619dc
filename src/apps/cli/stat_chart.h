// Statistics as a page of small histograms.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "safelight/picture.h"
#include "safelight/safetensors.h"
#include "safelight/statistics.h"

namespace safelight::cli {

struct ChartEntry {
  const TensorInfo* tensor = nullptr;
  const Statistics* statistics = nullptr;
};

// A page with one cell for each tensor: its name, histogram from min to max, and numbers; NaN and infinities in red.
// Throws Error(limit) for more tensors than a picture can hold (about 4,000).
Picture stat_chart(const std::string& title, std::span<const ChartEntry> entries);

}  // namespace safelight::cli
