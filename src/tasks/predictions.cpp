#include "tasks/predictions.h"

#include <array>

namespace safelight {
namespace {

constexpr std::array<std::string_view, 2> kNoise{"eps", "epsilon"};
constexpr std::array<std::string_view, 2> kV{"v_prediction", "v_pred"};
constexpr std::array<PredictionInfo, 3> kPredictions{{
    {std::nullopt, {"automatic", "automatic"}},
    {Prediction::noise, {"noise", "noise", kNoise}},
    {Prediction::v, {"v", "v", kV}},
}};

}  // namespace

std::span<const PredictionInfo> predictions() noexcept { return kPredictions; }

std::optional<Prediction> parse_prediction(std::string_view name) {
  const PredictionInfo* row = find_by_name(predictions(), name);
  if (!row) fail_unknown_name("prediction", predictions(), name);
  return row->prediction;
}

}  // namespace safelight
