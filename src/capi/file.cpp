// Opening, listing, viewing and reading.
#include "capi/file.h"

#include <memory>

#include "capi/guard.h"

using namespace safelight;
using namespace safelight::capi;

safelight_file::safelight_file(SafeTensors opened) : file(std::move(opened)) {
  for (const auto& entry : file.metadata()) metadata.push_back(&entry);
}

namespace {

const safelight_tensor* handle(const TensorInfo* info) noexcept {
  return reinterpret_cast<const safelight_tensor*>(info);
}

std::uint64_t& limit_named(Limits& limits, safelight_limit limit) {
  switch (limit) {
    case SAFELIGHT_LIMIT_HEADER_BYTES:
      return limits.header_bytes;
    case SAFELIGHT_LIMIT_TENSORS:
      return limits.tensors;
    case SAFELIGHT_LIMIT_RANK:
      return limits.rank;
    case SAFELIGHT_LIMIT_NAME_BYTES:
      return limits.name_bytes;
    case SAFELIGHT_LIMIT_DATA_BYTES:
      return limits.data_bytes;
    case SAFELIGHT_LIMIT_MEMORY_BYTES:
      return limits.memory_bytes;
    default:
      fail(ErrorCategory::usage, "[safelight.h] expected a limit from 0 to {}, found {}", SAFELIGHT_LIMIT_MEMORY_BYTES,
           limit);
  }
}

}  // namespace

safelight_options* safelight_options_new() { return new_or_null<safelight_options>(); }
void safelight_options_free(safelight_options* options) { delete options; }

void safelight_options_set_compat(safelight_options* options, int compat) {
  if (options) options->options.mode = compat != 0 ? Mode::compat : Mode::strict;
}

safelight_status safelight_options_set_limit(safelight_options* options, safelight_limit limit, uint64_t value,
                                             safelight_error* error) {
  return guarded(error, [&] { limit_named(required(options, "options").options.limits, limit) = value; });
}

safelight_status safelight_open(const char* path, const safelight_options* options, safelight_file** file,
                                safelight_error* error) {
  return guarded(error, [&] {
    safelight_file*& result = required(file, "a place for the file");
    result = new safelight_file(SafeTensors::open(required_text(path, "a path"), options_or_default(options)));
  });
}

safelight_status safelight_open_memory(const void* data, size_t bytes, const safelight_options* options,
                                       safelight_file** file, safelight_error* error) {
  return guarded(error, [&] {
    safelight_file*& result = required(file, "a place for the file");
    const auto* begin = bytes == 0 ? nullptr : &required(static_cast<const std::byte*>(data), "the bytes of a file");
    result = new safelight_file(SafeTensors::parse({begin, bytes}, options_or_default(options)));
  });
}

void safelight_close(safelight_file* file) { delete file; }

uint64_t safelight_file_bytes(const safelight_file* file) { return file ? file->file.file_bytes() : 0; }
uint64_t safelight_header_bytes(const safelight_file* file) { return file ? file->file.header_bytes() : 0; }

size_t safelight_tensor_count(const safelight_file* file) { return file ? file->file.tensors().size() : 0; }

const safelight_tensor* safelight_tensor_at(const safelight_file* file, size_t index) {
  return index < safelight_tensor_count(file) ? handle(&file->file.tensors()[index]) : nullptr;
}

const safelight_tensor* safelight_tensor_find(const safelight_file* file, const char* name) {
  return file && name ? handle(file->file.find(name)) : nullptr;
}

const char* safelight_tensor_name(const safelight_tensor* tensor, size_t* bytes) {
  return tensor ? text(info(*tensor).name, bytes) : nullptr;
}

safelight_dtype safelight_tensor_dtype(const safelight_tensor* tensor) {
  return tensor ? static_cast<safelight_dtype>(info(*tensor).dtype) : -1;
}

size_t safelight_tensor_rank(const safelight_tensor* tensor) { return tensor ? info(*tensor).shape.size() : 0; }
const uint64_t* safelight_tensor_shape(const safelight_tensor* tensor) {
  return tensor ? info(*tensor).shape.data() : nullptr;
}
uint64_t safelight_tensor_bytes(const safelight_tensor* tensor) { return tensor ? info(*tensor).bytes() : 0; }

uint64_t safelight_tensor_offset(const safelight_file* file, const safelight_tensor* tensor) {
  return file && tensor ? file->file.offset(info(*tensor)) : 0;
}

size_t safelight_metadata_count(const safelight_file* file) { return file ? file->metadata.size() : 0; }

const char* safelight_metadata_key_at(const safelight_file* file, size_t index, size_t* bytes) {
  return index < safelight_metadata_count(file) ? text(file->metadata[index]->first, bytes) : nullptr;
}

const char* safelight_metadata_value_at(const safelight_file* file, size_t index, size_t* bytes) {
  return index < safelight_metadata_count(file) ? text(file->metadata[index]->second, bytes) : nullptr;
}

const char* safelight_metadata_find(const safelight_file* file, const char* key, size_t* bytes) {
  if (!file || !key) return nullptr;
  const auto entry = std::lower_bound(file->metadata.begin(), file->metadata.end(), std::string_view(key),
                                      [](const auto* e, std::string_view k) { return e->first < k; });
  return entry != file->metadata.end() && (*entry)->first == key ? text((*entry)->second, bytes) : nullptr;
}

safelight_status safelight_view(const safelight_file* file, const safelight_tensor* tensor, const void** data,
                                safelight_error* error) {
  return guarded(error, [&] {
    const void*& result = required(data, "a place for the data");
    // The file keeps the bytes alive after this tensor is gone.
    result = required(file, "a file").file.tensor(info(required(tensor, "a tensor"))).data();
  });
}

safelight_status safelight_read(const safelight_file* file, const safelight_tensor* tensor, uint64_t offset, void* to,
                                size_t bytes, safelight_error* error) {
  return guarded(error, [&] {
    const SafeTensors& from = required(file, "a file").file;
    const TensorInfo& what = info(required(tensor, "a tensor"));
    if (offset > what.bytes() || bytes > what.bytes() - offset)
      fail(ErrorCategory::usage, "[safelight.h] expected a range inside the tensor's {} bytes, found {} bytes at {}",
           what.bytes(), bytes, offset);
    if (bytes == 0) return;
    from.read(from.offset(what) + offset, {&required(static_cast<std::byte*>(to), "memory to read into"), bytes});
  });
}
