// .npy and .npz files as NumPy writes them.
#include <algorithm>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "format/foreign/npy.h"
#include "format/foreign/numpy_types.h"
#include "format/foreign/widening.h"
#include "format/foreign/writers.h"
#include "format/foreign/zip_writer.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

bool has_numpy_type(DType dtype) { return !numpy_type(dtype).empty(); }

std::span<const std::byte> bytes_of(const Tensor& tensor) { return {tensor.data(), tensor.bytes()}; }

void check_names(std::span<const PendingTensor> tensors) {
  constexpr std::size_t kLongestName = 4000;
  std::vector<std::string_view> names;
  for (const PendingTensor& t : tensors) {
    if (t.name.size() > kLongestName || t.name.find('\0') != std::string::npos)
      fail(ErrorCategory::usage, "[npz] tensor \"{}\" has a name that no entry of a zip archive can have",
           shown(t.name));
    names.push_back(t.name);
  }
  std::sort(names.begin(), names.end());
  const auto same = std::adjacent_find(names.begin(), names.end());
  if (same != names.end()) fail(ErrorCategory::usage, "[npz] two tensors are named \"{}\"", shown(*same));
}

}  // namespace

void write_npy(const std::filesystem::path& path, const Tensor& tensor, std::string_view name) {
  const std::string header = npy_header(tensor.dtype(), tensor.shape(), name);
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(header)));
  file.write(bytes_of(tensor));
  file.commit();
}

void write_npy(const std::filesystem::path& path, std::span<const PendingTensor> tensors, Notes& notes,
               const Context& context) {
  if (tensors.size() != 1)
    fail(ErrorCategory::usage, "[npy] an .npy file holds one array, but there are {} tensors; write an .npz file",
         tensors.size());
  const PendingTensor wide = widen_unsupported(tensors, has_numpy_type, "NumPy", notes)[0];
  const auto total = static_cast<std::int64_t>(total_bytes({&wide, 1}));
  context.check_cancelled();
  context.report("write", 0, total);
  write_npy(path, make_checked(wide), wide.name);
  context.report("write", total, total);
}

void write_npz(const std::filesystem::path& path, std::span<const PendingTensor> tensors, const Metadata& metadata,
               Notes& notes, const Context& context) {
  check_names(tensors);
  if (!metadata.empty())
    notes.push_back(fmt::format("{} metadata are left out, as NumPy's archives have none", metadata.size()));
  const std::vector<PendingTensor> wide = widen_unsupported(tensors, has_numpy_type, "NumPy", notes);
  const auto total = static_cast<std::int64_t>(total_bytes(wide));
  std::int64_t done = 0;
  AtomicFile file(path);
  ZipWriter zip(file);
  for (const PendingTensor& pending : wide) {
    context.check_cancelled();
    context.report("write", done, total);
    const Tensor tensor = make_checked(pending);
    zip.add(pending.name + ".npy", npy_header(tensor.dtype(), tensor.shape(), pending.name), bytes_of(tensor));
    done += static_cast<std::int64_t>(tensor.bytes());
  }
  zip.finish();
  context.check_cancelled();
  file.commit();
  context.report("write", total, total);
}

}  // namespace safelight::foreign
