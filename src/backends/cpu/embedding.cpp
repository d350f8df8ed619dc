#include "backends/cpu/ops.h"
#include "backends/cpu/product.h"

namespace safelight::cpu {
namespace {

class CpuEmbedding final : public Embedding {
 public:
  CpuEmbedding(const EmbeddingSpec& spec, Backend& backend, Engine& engine, const Tensor& table)
      : Embedding(spec, backend), engine_(engine), table_(as_stored(table)) {}

 private:
  void run(std::span<const std::int32_t> ids, Tensor& y) override {
    const std::int64_t row_bytes = spec_.width * bits(table_.dtype()) / 8;
    float* to = y.mutable_floats().data();
    engine_.for_each(static_cast<std::int64_t>(ids.size()), [&](std::int64_t i) {
      const std::byte* row = table_.data() + ids[static_cast<std::size_t>(i)] * row_bytes;
      engine_.kernels.widen(table_.dtype(), row, spec_.width, to + i * spec_.width);
    });
  }

  Engine& engine_;
  Tensor table_;
};

}  // namespace

std::unique_ptr<Embedding> make_embedding(const EmbeddingSpec& spec, Backend& backend, Engine& engine,
                                          const Tensor& table) {
  check_embedding_weights(spec, table);
  return std::make_unique<CpuEmbedding>(spec, backend, engine, table);
}

}  // namespace safelight::cpu
