// The cast of a file: a list of tensors that are read, a slice at a time, while they are written.
#include <algorithm>

#include "arithmetic/name_selection.h"
#include "arithmetic/source.h"
#include "core/fail.h"
#include "format/shape_of.h"
#include "safelight/cast.h"
#include "safelight/edit.h"
#include "safelight/writer.h"
#include "tensor/cast_kernels.h"

namespace safelight {
namespace {

void check_type(DType dtype) {
  if (!can_cast(dtype))
    fail(ErrorCategory::usage, "[cast] expected F64, F32, F16, BF16, F8_E4M3 or F8_E5M2, found {}", name(dtype));
}

std::uint64_t bytes_as(const TensorInfo& info, DType to) {
  return info.bytes() / static_cast<std::uint64_t>(bits(info.dtype) / 8) * static_cast<std::uint64_t>(bits(to) / 8);
}

// `losses` is this tensor's own: tensors are made by several threads.
Tensor cast_from_file(const SafeTensors& file, const TensorInfo& info, DType to, CastLosses& losses) {
  const Source source(file, info);
  const CastKernel kernel = cast_kernel(info.dtype, to);
  Tensor result = Tensor::allocate(to, shape_of(info));
  std::vector<std::byte> scratch;
  for (std::int64_t first = 0; first < source.elements(); first += kSlice) {
    const std::int64_t count = std::min(kSlice, source.elements() - first);
    losses += kernel(source.read(first, count, scratch), count, result.mutable_data() + first * bits(to) / 8);
  }
  return result;
}

}  // namespace

CastReport cast_file(const std::filesystem::path& in, const std::filesystem::path& out, const CastOptions& options,
                     const Context& context) {
  check_type(options.to);
  if (options.from) check_type(*options.from);
  const ShardedTensors files = ShardedTensors::open(in);
  const std::span<const ShardedTensors::Entry> entries = files.tensors();
  const NameSelection selection(options.only, options.except);
  selection.check(entries);

  CastReport report{.tensors = static_cast<std::int64_t>(entries.size())};
  std::vector<CastLosses> losses(entries.size());
  std::vector<PendingTensor> tensors;
  tensors.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const SafeTensors& file = *entries[i].shard;
    const TensorInfo& info = *entries[i].info;
    const bool chosen = can_cast(info.dtype) && info.dtype != options.to &&
                        info.dtype == options.from.value_or(info.dtype) && selection.contains(info.name);
    const DType to = chosen ? options.to : info.dtype;
    report.changed += chosen ? 1 : 0;
    report.bytes_before += info.bytes();
    report.bytes_after += chosen ? bytes_as(info, to) : info.bytes();
    tensors.push_back({info.name, to, shape_of(info), [&file, &info, &lost = losses[i], chosen, to] {
                         return chosen ? cast_from_file(file, info, to, lost) : read_tensor(file, info);
                       }});
  }
  report.saved =
      save(out, tensors, report.changed > 0 ? without_hashes(files.metadata()) : files.metadata(), {}, context);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    report.losses += losses[i];
    if (losses[i].overflowed + losses[i].vanished > 0) report.lossy.push_back({entries[i].info->name, losses[i]});
  }
  return report;
}

}  // namespace safelight
