#include "bench/counting_backend.h"

#include <algorithm>

namespace safelight {
namespace {

double multiply_adds(std::int64_t results, std::int64_t terms) {
  return 2 * static_cast<double>(results) * static_cast<double>(terms);
}

class CountedConv2d final : public Conv2d {
 public:
  CountedConv2d(const Conv2dSpec& spec, Backend& backend, double& flop) : Conv2d(spec, backend), flop_(flop) {}

 private:
  void run(const Tensor&, const Epilogue&, Tensor& y) override {
    flop_ += multiply_adds(y.elements(), spec_.in * spec_.kernel * spec_.kernel);
  }
  double& flop_;
};

class CountedLinear final : public Linear {
 public:
  CountedLinear(const LinearSpec& spec, Backend& backend, double& flop) : Linear(spec, backend), flop_(flop) {}

 private:
  void run(const Tensor& x, const Epilogue&, Tensor&) override {
    flop_ += multiply_adds(x.elements() / spec_.in * spec_.out, spec_.in);
  }
  double& flop_;
};

class FreeGroupNorm final : public GroupNorm {
 public:
  FreeGroupNorm(const GroupNormSpec& spec, Backend& backend) : GroupNorm(spec, backend) {}

 private:
  void run(const Tensor&, Tensor&) override {}
};

class FreeLayerNorm final : public LayerNorm {
 public:
  FreeLayerNorm(const LayerNormSpec& spec, Backend& backend) : LayerNorm(spec, backend) {}

 private:
  void run(const Tensor&, Tensor&) override {}
};

class FreeEmbedding final : public Embedding {
 public:
  FreeEmbedding(const EmbeddingSpec& spec, Backend& backend) : Embedding(spec, backend) {}

 private:
  void run(std::span<const std::int32_t>, Tensor&) override {}
};

class CountingBackend final : public Backend {
 public:
  explicit CountingBackend(double& flop) : flop_(flop) {}

  std::string_view name() const override { return "counting"; }
  Tensor empty(Shape shape) override { return Tensor::allocate(DType::F32, std::move(shape)); }
  std::unique_ptr<Conv2d> conv2d(const Conv2dSpec& spec, Tensor, Tensor) override {
    return std::make_unique<CountedConv2d>(spec, *this, flop_);
  }
  std::unique_ptr<Linear> linear(const LinearSpec& spec, Tensor, Tensor) override {
    return std::make_unique<CountedLinear>(spec, *this, flop_);
  }
  std::unique_ptr<GroupNorm> group_norm(const GroupNormSpec& spec, Tensor, Tensor) override {
    return std::make_unique<FreeGroupNorm>(spec, *this);
  }
  std::unique_ptr<LayerNorm> layer_norm(const LayerNormSpec& spec, Tensor, Tensor) override {
    return std::make_unique<FreeLayerNorm>(spec, *this);
  }
  std::unique_ptr<Embedding> embedding(const EmbeddingSpec& spec, Tensor) override {
    return std::make_unique<FreeEmbedding>(spec, *this);
  }

 private:
  // Scores and weighted sum.
  void run_attention(const Tensor& q, const Tensor& k, const Tensor&, const AttentionSpec&, Tensor&) override {
    flop_ += 2 * multiply_adds(q.elements(), k.dim(1));
  }
  void run_concat(const Tensor&, const Tensor&, Tensor&) override {}

  double& flop_;
};

}  // namespace

std::unique_ptr<Backend> make_counting_backend(double& flop) { return std::make_unique<CountingBackend>(flop); }

}  // namespace safelight
