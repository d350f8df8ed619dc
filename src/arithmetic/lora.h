// LoRA files: what they add to the tensors of a checkpoint.
//
//   delta = weight * alpha / rank * up x down         up: [out, rank], down: [rank, in], or with a kernel [rank, in, h,
//   w] with mid [p, q, h, w]: up x mid x down            up: [out, p], down: [q, in]; every pixel of mid is a matrix
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "safelight/merge.h"
#include "safelight/sharded.h"

namespace safelight {

// A pair of matrices and the rows of the tensor that it is added to.
struct LoraModule {
  SafeTensors file;
  TensorInfo up, down;
  std::optional<TensorInfo> mid;
  double scale = 1;         // weight * alpha / rank
  int part = 0, parts = 1;  // of the tensor's rows
};

// Which modules go where. Only headers and alphas are read.
class LoraPlan {
 public:
  // Throws Error(model) for an up without a down, matrices that do not fit each other or their tensor, and types that
  // are no floating numbers.
  LoraPlan(const ShardedTensors& base, std::span<const WeightedFile> loras);

  // What is to be added to a tensor; empty for most.
  std::span<const LoraModule> modules(const std::string& tensor) const;

  std::int64_t count() const noexcept { return count_; }
  const std::vector<std::string>& unmatched() const noexcept { return unmatched_; }  // names of tensors without a home

 private:
  std::map<std::string, std::vector<LoraModule>> modules_;  // by tensor
  std::int64_t count_ = 0;
  std::vector<std::string> unmatched_;
};

// One module, loaded.
class LoraDelta {
 public:
  // `elements` of the tensor that it is for. Reads the matrices.
  LoraDelta(const LoraModule& module, std::int64_t elements);

  // Adds to the elements [first, first + count) of the tensor.
  void add(std::int64_t first, std::int64_t count, double* values) const;

 private:
  std::int64_t first_row_, rows_, columns_, rank_;
  double scale_;
  std::vector<float> up_, down_;  // [rows][rank], [rank][columns]
};

}  // namespace safelight
