#include "apps/cli/sparkline.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace safelight::cli {
namespace {

constexpr std::array<std::string_view, 9> kBlocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 9> kSigns{" ", ".", ":", "-", "=", "+", "*", "%", "#"};

}  // namespace

std::string sparkline(std::span<const std::int64_t> histogram, int width, bool ascii) {
  const std::size_t columns = std::min(histogram.size(), static_cast<std::size_t>(width));
  std::vector<std::int64_t> sums(columns);
  for (std::size_t b = 0; b < histogram.size(); ++b) sums[b * columns / histogram.size()] += histogram[b];
  const std::int64_t most = sums.empty() ? 0 : *std::ranges::max_element(sums);
  std::string line;
  for (const std::int64_t sum : sums) {
    const auto level =
        sum == 0 ? 0 : 1 + static_cast<std::size_t>(7.0 * static_cast<double>(sum) / static_cast<double>(most));
    line += (ascii ? kSigns : kBlocks)[level];
  }
  return line;
}

}  // namespace safelight::cli
