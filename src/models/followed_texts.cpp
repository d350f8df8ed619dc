#include "models/followed_texts.h"

#include <algorithm>

#include "core/fail.h"

namespace safelight {

FollowedTexts::FollowedTexts(const Tensor& context, std::span<const std::int64_t> rows, Backend& backend)
    : backend_(backend), context_(context), rows_(rows.begin(), rows.end()) {
  for (const std::int64_t row : rows_)
    if (row != kBlankText && (row < 0 || row >= context_.dim(0)))
      fail(ErrorCategory::model, "[text] an image follows text {}, expected one of {}, from 0", row, context_.dim(0));
  std::int64_t i = 0;
  if (images() == context_.dim(0) && std::ranges::all_of(rows_, [&](std::int64_t row) { return row == i++; }))
    rows_.clear();  // then nothing is to be copied
}

Tensor FollowedTexts::of_images(const Tensor& made) const {
  if (rows_.empty()) return made;
  Shape shape = made.shape();
  shape[0] = std::ssize(rows_);
  Tensor result = backend_.empty(std::move(shape));
  backend_.touch([&] {
    const std::int64_t size = made.elements() / made.dim(0);
    float* to = result.mutable_floats().data();
    for (const std::int64_t row : rows_)
      to = row == kBlankText ? std::fill_n(to, size, 0.0f) : std::copy_n(made.floats().data() + row * size, size, to);
  });
  return result;
}

}  // namespace safelight
