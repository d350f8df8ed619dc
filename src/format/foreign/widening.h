// Tensors for formats that lack their type: widened to the next type that holds every value exactly.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "safelight/pending_tensor.h"

namespace safelight::foreign {

// The same tensors, those for whose type `supported` is false as the first type of this list that is supported and
// holds all their values: BOOL -> I8 -> I16, U8 -> I16 -> I32, U16 -> I32, U32 -> I64; BF16, F8_E4M3 and F8_E5M2 ->
// F32. A note tells how many became what. Throws Error(usage), naming the tensor and `target`, where there is none.
std::vector<PendingTensor> widen_unsupported(std::span<const PendingTensor> tensors, bool (*supported)(DType),
                                             std::string_view target, std::vector<std::string>& notes);

// What the tensors will have together.
std::uint64_t total_bytes(std::span<const PendingTensor> tensors);

// Calls make() and checks that it gives what was promised. Throws Error(model) if it does not.
Tensor make_checked(const PendingTensor& tensor);

}  // namespace safelight::foreign
