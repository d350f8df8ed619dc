// The reference backend's ops, one per file; what each needs in common is small enough to stand here.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ops/backend.h"

namespace safelight::reference {

std::unique_ptr<Conv2d> make_conv2d(const Conv2dSpec& spec, Backend& backend, const Weight& weight, const Tensor& bias);
std::unique_ptr<Linear> make_linear(const LinearSpec& spec, Backend& backend, const Weight& weight, const Tensor& bias);
// For Precision::int8. REQUIRES: check_linear_weights.
std::unique_ptr<Linear> make_int8_linear(const LinearSpec& spec, Backend& backend, const Weight& weight,
                                         const Tensor& bias);
std::unique_ptr<GroupNorm> make_group_norm(const GroupNormSpec& spec, Backend& backend, const Tensor& weight,
                                           const Tensor& bias);
std::unique_ptr<LayerNorm> make_layer_norm(const LayerNormSpec& spec, Backend& backend, const Tensor& weight,
                                           const Tensor& bias);
std::unique_ptr<Embedding> make_embedding(const EmbeddingSpec& spec, Backend& backend, const Tensor& table);
void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionSpec& spec, Tensor& y);
void concat(const Tensor& a, const Tensor& b, Tensor& y);

// A row of what is joined, put together in `buffer` if it is of two tensors.
std::span<const float> row_of(const Joined& x, std::int64_t row, std::vector<float>& buffer);

double activate(double value, Activation activation);

// GEGLU: the first half of a row times gelu of the second.
void gate(std::span<double> sums);

// to_f32 of a bias, or zeros if it is empty.
Tensor bias_or_zeros(const Tensor& bias, std::int64_t channels);

// Stores one row of output channels: activation(sums + per_image) + residual. `at` is the row's first element in y,
// `image` the picture it belongs to.
void store_row(std::span<const double> sums, const Epilogue& tail, std::int64_t image, std::int64_t at, Tensor& y);

}  // namespace safelight::reference
