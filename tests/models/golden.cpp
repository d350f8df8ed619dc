#include "models/golden.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace safelight::test {
namespace {

std::vector<std::int32_t> to_ids(const Tensor& t) {
  const Tensor exact = to_f32(t);  // ids are below 2^24
  return {exact.floats().begin(), exact.floats().end()};
}

}  // namespace

Distance distance(const Tensor& got, const Tensor& expected) {
  const Tensor aligned = to_f32(expected);
  if (got.shape() != aligned.shape())
    throw std::runtime_error("shape " + to_string(got.shape()) + ", expected " + to_string(aligned.shape()));
  Distance result;
  double squares = 0, norm = 0;
  for (std::size_t i = 0; i < got.floats().size(); ++i) {
    const double wanted = static_cast<double>(aligned.floats()[i]);
    const double off = static_cast<double>(got.floats()[i]) - wanted;
    if (!std::isfinite(off)) throw std::runtime_error("value " + std::to_string(i) + " is not finite");
    result.max_abs = std::max(result.max_abs, std::fabs(off));
    squares += off * off;
    norm += wanted * wanted;
  }
  result.relative = std::sqrt(squares / norm);
  result.psnr = 10 * std::log10(4.0 * static_cast<double>(got.elements()) / squares);
  return result;
}

bool Golden::has(const std::string& name) const {
  return std::any_of(file_.tensors().begin(), file_.tensors().end(),
                     [&](const TensorInfo& t) { return t.name.starts_with(name + "."); });
}

Golden::Text Golden::text(ClipTextEncoder& encoder, const std::string& name) const {
  const Tensor ids = file_.tensor(name + ".ids");
  const ClipFeatures got = encoder(to_ids(ids), ids.dim(0));
  Text result{.embeddings = distance(got.hidden, file_.tensor(name + ".embeddings")), .pooled = {}};
  if (file_.find(name + ".pooled")) result.pooled = distance(got.pooled, file_.tensor(name + ".pooled"));
  return result;
}

Distance Golden::unet(UNet& unet, const std::string& name) const {
  const Tensor timesteps = to_f32(file_.tensor(name + ".timesteps"));
  const Tensor vector = file_.find(name + ".vector") ? to_f32(file_.tensor(name + ".vector")) : Tensor();
  const TextContext text = unet.prepare(to_f32(file_.tensor(name + ".context")), vector);
  const Tensor predicted = unet(to_f32(file_.tensor(name + ".latents")), timesteps.floats(), text);
  return distance(predicted, file_.tensor(name + ".noise"));
}

Distance Golden::decode(VaeDecoder& decoder, const std::string& name) const {
  return distance(decoder(to_f32(file_.tensor(name + ".latents"))), file_.tensor(name + ".picture"));
}

Golden::Encoded Golden::encode(VaeEncoder& encoder, const std::string& name) const {
  Tensor picture = to_f32(file_.tensor(name + ".picture"));
  for (float& value : picture.mutable_floats()) value = std::clamp(value, -1.0f, 1.0f);
  const LatentDistribution got = encoder(picture);
  return {.mean = distance(got.mean, file_.tensor(name + ".mean")),
          .log_variance = distance(got.log_variance, file_.tensor(name + ".log_variance"))};
}

}  // namespace safelight::test
