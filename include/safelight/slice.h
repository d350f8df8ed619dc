// Reading parts of tensors (safelight/indexing.h says how they are chosen), without the rest.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "safelight/indexing.h"
#include "safelight/read.h"
#include "safelight/safetensors.h"

namespace safelight {

// What a selection from a file is, and where its bytes are, before anything is read.
class SlicePlan {
 public:
  // Throws Error(model) if there is no such tensor, Error(usage) like slice() of a tensor, Error(limit) like
  // SafeTensors::tensor().
  SlicePlan(const SafeTensors& file, std::string_view name, const Slices& slices);

  DType dtype() const noexcept;
  const Shape& shape() const noexcept;
  std::uint64_t bytes() const noexcept;  // of the result, which all are in the file, too

  // Calls `use` with each contiguous run of these bytes, in the order of their offsets in the file. There may be as
  // many as the selection has elements; none of them is stored.
  struct Run {
    std::uint64_t offset, bytes;
  };
  void for_each_run(const std::function<void(const Run&)>& use) const;

 private:
  friend struct SliceReader;
  struct State;
  std::shared_ptr<const State> state_;
};

// Reads one selection into a new tensor.
Tensor slice(const SafeTensors& file, std::string_view name, const Slices& slices, const ReadOptions& options = {},
             const Context& context = {}, ReadReport* report = nullptr);

// Reads many as one pass over the file in the order of its bytes: runs of different selections that lie near each
// other (ReadOptions::max_gap) are read together, bytes that several want are read once. In the order of the plans,
// all of which must be of this file.
std::vector<Tensor> gather(const SafeTensors& file, std::span<const SlicePlan> plans, const ReadOptions& options = {},
                           const Context& context = {}, ReadReport* report = nullptr);

// The ranges that gather() would read with these options, in their order. For whoever fetches bytes another way.
void for_each_range(std::span<const SlicePlan> plans, const ReadOptions& options,
                    const std::function<void(const SlicePlan::Run&)>& use);

}  // namespace safelight
