#include "safelight/slice.h"

#include "capi/file.h"
#include "capi/guard.h"

struct safelight_array {
  safelight::Tensor tensor;
};

using namespace safelight;
using namespace safelight::capi;

safelight_status safelight_slice(const safelight_file* file, const safelight_tensor* tensor, const char* slice_text,
                                 safelight_array** array, safelight_error* error) {
  return guarded(error, [&] {
    safelight_array*& result = required(array, "a place for the array");
    const SafeTensors& from = required(file, "a file").file;
    const TensorInfo& what = info(required(tensor, "a tensor"));
    result = new safelight_array{slice(from, what.name, parse_slices(required_text(slice_text, "a slice")))};
  });
}

void safelight_array_free(safelight_array* array) { delete array; }

safelight_dtype safelight_array_dtype(const safelight_array* array) {
  return array ? static_cast<safelight_dtype>(array->tensor.dtype()) : -1;
}

size_t safelight_array_rank(const safelight_array* array) { return array ? array->tensor.rank() : 0; }

// Sizes are never negative, so their signed and unsigned forms are the same.
const uint64_t* safelight_array_shape(const safelight_array* array) {
  return array ? reinterpret_cast<const uint64_t*>(array->tensor.shape().data()) : nullptr;
}

const void* safelight_array_data(const safelight_array* array) { return array ? array->tensor.data() : nullptr; }
uint64_t safelight_array_bytes(const safelight_array* array) { return array ? array->tensor.bytes() : 0; }
