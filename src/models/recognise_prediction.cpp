// What a UNet predicts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/printable.h"
#include "models/unet_clues.h"
#include "safelight/error.h"

namespace safelight {
namespace {

// Population standard deviation of a small tensor; nothing if it cannot be read.
std::optional<double> deviation(const UNetClues& u, const TensorInfo* t) {
  if (!t || !u.clues.inventory.read) return std::nullopt;
  try {
    const Tensor values = to_f32(u.clues.inventory.read(*t));
    if (values.elements() == 0) return std::nullopt;
    double sum = 0, squares = 0;
    for (const float v : values.floats()) {
      sum += v;
      squares += static_cast<double>(v) * v;
    }
    const auto n = static_cast<double>(values.elements());
    return std::sqrt(std::max(squares / n - sum / n * (sum / n), 0.0));
  } catch (const Error&) {
    return std::nullopt;  // a type without numbers, a file that was shortened: then this tells nothing
  }
}

std::optional<FoundPrediction> prediction_in_metadata(const Inventory& inventory) {
  const std::string_view type = inventory.meta("modelspec.prediction_type");
  if (type == "v" || type == "v_prediction")
    return FoundPrediction{Prediction::v, false, fmt::format("modelspec.prediction_type is {}", type)};
  if (type == "epsilon") return FoundPrediction{Prediction::noise, false, "modelspec.prediction_type is epsilon"};
  for (const char* key : {"modelspec.architecture", "ss_base_model_version"}) {
    const std::string_view value = inventory.meta(key);
    if (value.ends_with("768-v") || value.ends_with("768_v"))
      return FoundPrediction{Prediction::v, false, fmt::format("{} is {}", key, printable(value, 60))};
    if (value == "stable-diffusion-v2-512")
      return FoundPrediction{Prediction::noise, false, fmt::format("{} is {}", key, value)};
  }
  return std::nullopt;
}

// Stable Diffusion 2 was published with both predictions in files of the same shapes. The biases of this normalisation
// spread more in those that predict v: the threshold is the one that ComfyUI uses.
FoundPrediction guess_of_sd2(const UNetClues& u) {
  constexpr double kSpreadOfV = 0.09;
  if (u.inputs() == 9)
    return {.evidence = "inpainting models of Stable Diffusion 2 predict noise: " + u.describe(*u.first_conv)};
  const TensorInfo* bias = u.find(u.place.naming.out_attention_bias);
  const auto spread = deviation(u, bias);
  if (!spread) return {.evidence = "nothing says otherwise"};
  const bool v = *spread > kSpreadOfV;
  return {.prediction = v ? Prediction::v : Prediction::noise,
          .evidence = fmt::format("the spread of {} is {:.3f}, {} {}", u.describe(*bias), *spread,
                                  v ? "above" : "not above", kSpreadOfV)};
}

}  // namespace

FoundPrediction find_prediction(const UNetClues& u, Family family) {
  const std::optional<SaidPrediction>& beside = u.clues.inventory.said;
  FoundPrediction found{.evidence = "nothing says otherwise"};
  if (const TensorInfo* t = u.has("v_pred"))
    found = {.prediction = Prediction::v, .evidence = u.describe(*t)};
  else if (auto said = prediction_in_metadata(u.clues.inventory))
    found = *std::move(said);
  else if (beside)
    found = {.prediction = beside->prediction, .evidence = beside->by};
  else if (family == Family::sd2)
    found = guess_of_sd2(u);
  found.zero_terminal_snr = u.has("ztsnr") || (beside && beside->zero_terminal_snr);
  return found;
}

}  // namespace safelight
