// The CPU backend's ops, one per file.
#pragma once

#include <memory>

#include "backends/cpu/engine.h"
#include "ops/backend.h"

namespace safelight::cpu {

std::unique_ptr<Conv2d> make_conv2d(const Conv2dSpec& spec, Backend& backend, Engine& engine, const Weight& weight,
                                    const Tensor& bias);
std::unique_ptr<Linear> make_linear(const LinearSpec& spec, Backend& backend, Engine& engine, const Weight& weight,
                                    const Tensor& bias);
// For Precision::int8. REQUIRES: check_linear_weights.
std::unique_ptr<Linear> make_int8_linear(const LinearSpec& spec, Backend& backend, Engine& engine, const Weight& weight,
                                         const Tensor& bias);
std::unique_ptr<GroupNorm> make_group_norm(const GroupNormSpec& spec, Backend& backend, Engine& engine,
                                           const Tensor& weight, const Tensor& bias);
std::unique_ptr<LayerNorm> make_layer_norm(const LayerNormSpec& spec, Backend& backend, Engine& engine,
                                           const Tensor& weight, const Tensor& bias);
std::unique_ptr<Embedding> make_embedding(const EmbeddingSpec& spec, Backend& backend, Engine& engine,
                                          const Tensor& table);
void attention(Engine& engine, const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec, Tensor& y);
void concat(Engine& engine, const Tensor& a, const Tensor& b, Tensor& y);

}  // namespace safelight::cpu
