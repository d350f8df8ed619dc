// The arrays that joblib writes between the instructions of a pickle.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "format/foreign/pickle_machine.h"

namespace safelight::foreign {

// How many bytes of `rest`, which follow the BUILD of `object`, are an array's and no instructions; nothing if the
// object is no wrapper of an array, or of an array of objects (a pickle follows then).
std::optional<std::size_t> raw_bytes_after(const PickleRun& run, Ref object, std::span<const std::byte> rest);

}  // namespace safelight::foreign
