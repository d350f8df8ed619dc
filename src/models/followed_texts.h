// The texts that a batch of images follows, of which each is read once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/backend.h"
#include "safelight/tensor.h"

namespace safelight {

// In place of a text's row: a text of zeros, such as SDXL's empty negative prompt. It need not be read, because a layer
// without a bias makes zeros of it.
inline constexpr std::int64_t kBlankText = -1;

// A batch asks for the same texts again and again; in SDXL to read one takes half as long as to encode it.
class FollowedTexts {
 public:
  // context: F32 [m, tokens, width]. rows: for each of n images, its text in context, or kBlankText; empty: image i
  // follows text i. Error(model) for another row.
  FollowedTexts(const Tensor& context, std::span<const std::int64_t> rows, Backend& backend);

  const Tensor& context() const noexcept { return context_; }
  std::int64_t images() const noexcept { return rows_.empty() ? context_.dim(0) : std::ssize(rows_); }

  // What a layer without a bias makes of context(), F32 [m, ...] -> what each image sees, F32 [n, ...].
  Tensor of_images(const Tensor& made) const;

 private:
  Backend& backend_;
  Tensor context_;
  std::vector<std::int64_t> rows_;
};

}  // namespace safelight
