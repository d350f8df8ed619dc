#include <algorithm>

#include "backends/reference/layers.h"

namespace safelight::reference {
namespace {

class ReferenceEmbedding final : public Embedding {
 public:
  ReferenceEmbedding(const EmbeddingSpec& spec, Backend& backend, const Tensor& table)
      : Embedding(spec, backend), table_(to_f32(table)) {}

 private:
  void run(std::span<const std::int32_t> ids, Tensor& y) override {
    const std::size_t width = static_cast<std::size_t>(spec_.width);
    for (std::size_t i = 0; i < ids.size(); ++i)
      std::ranges::copy(table_.floats().subspan(static_cast<std::size_t>(ids[i]) * width, width),
                        y.mutable_floats().subspan(i * width).begin());
  }

  Tensor table_;
};

}  // namespace

std::unique_ptr<Embedding> make_embedding(const EmbeddingSpec& spec, Backend& backend, const Tensor& table) {
  check_embedding_weights(spec, table);
  return std::make_unique<ReferenceEmbedding>(spec, backend, table);
}

}  // namespace safelight::reference
