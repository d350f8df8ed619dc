#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/reference/layers.h"

namespace safelight::reference {
namespace {

// One head of one image: the first channel of its first token in each tensor, and the distance between tokens.
struct Head {
  const float *q, *k, *v;
  float* y;
  std::int64_t stride, width;
};

// y of one query, which sees `keys` keys. `weights` is scratch.
void attend(const Head& head, std::int64_t query, std::int64_t keys, std::vector<double>& weights) {
  const float* q = head.q + query * head.stride;
  weights.resize(static_cast<std::size_t>(keys));
  for (std::int64_t j = 0; j < keys; ++j) {
    double dot = 0;
    for (std::int64_t d = 0; d < head.width; ++d)
      dot += static_cast<double>(q[d]) * static_cast<double>(head.k[j * head.stride + d]);
    weights[static_cast<std::size_t>(j)] = dot / std::sqrt(static_cast<double>(head.width));
  }
  const double top = *std::ranges::max_element(weights);
  double total = 0;
  for (double& w : weights) total += w = std::exp(w - top);
  std::vector<double> sums(static_cast<std::size_t>(head.width), 0.0);
  for (std::int64_t j = 0; j < keys; ++j)
    for (std::size_t d = 0; d < sums.size(); ++d)
      sums[d] += weights[static_cast<std::size_t>(j)] *
                 static_cast<double>(head.v[j * head.stride + static_cast<std::int64_t>(d)]);
  for (std::size_t d = 0; d < sums.size(); ++d)
    head.y[query * head.stride + static_cast<std::int64_t>(d)] = static_cast<float>(sums[d] / total);
}

}  // namespace

void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec, Tensor& y) {
  const std::int64_t queries = q.dim(1), keys = k.dim(1), channels = q.dim(2), width = channels / spec.heads;
  std::vector<double> weights;
  for (std::int64_t n = 0; n < q.dim(0); ++n)
    for (std::int64_t h = 0; h < spec.heads; ++h) {
      const std::int64_t q_at = n * queries * channels + h * width, k_at = n * keys * channels + h * width;
      const Head head{q.floats().data() + q_at,
                      k.floats().data() + k_at,
                      v.floats().data() + k_at,
                      y.mutable_floats().data() + q_at,
                      channels,
                      width};
      for (std::int64_t i = 0; i < queries; ++i) attend(head, i, spec.causal ? i + 1 : keys, weights);
    }
}

}  // namespace safelight::reference
