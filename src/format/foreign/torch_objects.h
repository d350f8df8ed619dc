// PyTorch's tensors and storages inside pickles.
#pragma once

#include <optional>
#include <string_view>

#include "format/foreign/pickle_machine.h"
#include "format/foreign/pickled_tensor.h"

namespace safelight::foreign {

// The storage that a persistent id stands for; nothing if it is none of PyTorch's. Throws Error(format) for a storage
// of a type that we lack.
std::optional<StorageRef> as_torch_storage(const PickleRun& run, Ref ref);

// The tensor that the value stands for: what torch._utils._rebuild_tensor, _v2, _v3, _rebuild_parameter and
// torch._tensor._rebuild_from_type_v2 would give. Nothing if it is no tensor. Throws Error(format), naming it `name`,
// for a tensor that cannot be read: sparse, quantized, or made by a call that would have to be executed.
std::optional<PickledTensor> as_torch_tensor(const PickleRun& run, Ref ref, std::string_view name);

// Whether the names that PyTorch's and NumPy's own tensors need cover this one: "torch._utils._rebuild_tensor_v2",
// "torch.FloatStorage", "torch.bfloat16", ...
bool is_torch_type(std::string_view global) noexcept;

}  // namespace safelight::foreign
