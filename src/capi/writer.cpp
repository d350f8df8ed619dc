#include "safelight/writer.h"

#include <optional>
#include <vector>

#include "capi/guard.h"

// What was declared and, once it is open, what writes it.
struct safelight_writer {
  std::vector<safelight::TensorSpec> tensors;
  safelight::Metadata metadata;
  safelight::SaveOptions options;
  std::optional<safelight::Writer> open;
};

using namespace safelight;
using namespace safelight::capi;

namespace {

safelight_writer& not_open(safelight_writer* writer) {
  if (required(writer, "a writer").open)
    fail(ErrorCategory::usage, "[safelight.h] the writer is open: declare tensors and set options before");
  return *writer;
}

Writer& opened(safelight_writer* writer) {
  if (!required(writer, "a writer").open)
    fail(ErrorCategory::usage, "[safelight.h] the writer is not open: safelight_writer_open comes first");
  return *writer->open;
}

Shape shape_of(const uint64_t* sizes, size_t rank) {
  Shape shape;
  for (size_t i = 0; i < rank; ++i) {
    const uint64_t size = (&required(sizes, "a shape"))[i];
    if (size > static_cast<uint64_t>(INT64_MAX))
      fail(ErrorCategory::usage, "[safelight.h] expected a size of at most 2^63-1, found {}", size);
    shape.push_back(static_cast<int64_t>(size));
  }
  return shape;
}

}  // namespace

safelight_writer* safelight_writer_new() { return new_or_null<safelight_writer>(); }
void safelight_writer_free(safelight_writer* writer) { delete writer; }

safelight_status safelight_writer_declare(safelight_writer* writer, const char* name, safelight_dtype dtype,
                                          const uint64_t* shape, size_t rank, safelight_error* error) {
  return guarded(error, [&] {
    if (!safelight_dtype_name(dtype))
      fail(ErrorCategory::usage, "[safelight.h] expected a dtype from 0 to {}, found {}", dtypes().size() - 1, dtype);
    not_open(writer).tensors.push_back(
        {required_text(name, "a name"), static_cast<DType>(dtype), shape_of(shape, rank)});
  });
}

safelight_status safelight_writer_set_metadata(safelight_writer* writer, const char* key, const char* value,
                                               safelight_error* error) {
  return guarded(error, [&] {
    not_open(writer).metadata.insert_or_assign(required_text(key, "a key"), required_text(value, "a value"));
  });
}

safelight_status safelight_writer_set_alignment(safelight_writer* writer, uint64_t alignment, safelight_error* error) {
  return guarded(error, [&] { not_open(writer).options.alignment = alignment; });
}

safelight_status safelight_writer_set_durable(safelight_writer* writer, int durable, safelight_error* error) {
  return guarded(error, [&] { not_open(writer).options.durable = durable != 0; });
}

safelight_status safelight_writer_open(safelight_writer* writer, const char* path, safelight_error* error) {
  return guarded(error, [&] {
    safelight_writer& w = not_open(writer);
    w.open.emplace(required_text(path, "a path"), w.tensors, w.metadata, w.options);
  });
}

safelight_status safelight_writer_write(safelight_writer* writer, const char* name, uint64_t offset, const void* data,
                                        size_t bytes, safelight_error* error) {
  return guarded(error, [&] {
    Writer& w = opened(writer);
    const auto* begin = bytes == 0 ? nullptr : &required(static_cast<const std::byte*>(data), "bytes to write");
    w.write(std::string_view(required_text(name, "a name")), {begin, bytes}, offset);
  });
}

safelight_status safelight_writer_finish(safelight_writer* writer, safelight_error* error) {
  return guarded(error, [&] {
    opened(writer).finish();
    writer->open.reset();
    writer->tensors.clear();
    writer->metadata.clear();
  });
}
