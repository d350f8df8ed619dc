// Rows of a table, by index.
#pragma once

#include <memory>
#include <span>

#include "safelight/tensor.h"

namespace safelight {

class Backend;

struct EmbeddingSpec {
  std::int64_t rows = 0, width = 0;
};

class Embedding {
 public:
  virtual ~Embedding() = default;

  // -> F32 [ids.size(), width]. Error(model) if an id is outside [0, rows).
  Tensor operator()(std::span<const std::int32_t> ids);

 protected:
  Embedding(const EmbeddingSpec& spec, Backend& backend) : spec_(spec), backend_(backend) {}

  const EmbeddingSpec spec_;
  Backend& backend_;

 private:
  virtual void run(std::span<const std::int32_t> ids, Tensor& y) = 0;
};

// Throws Error(model) unless table is [rows, width].
void check_embedding_weights(const EmbeddingSpec& spec, const Tensor& table);

}  // namespace safelight
