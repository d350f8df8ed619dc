// NumPy's .npz files: zip archives of .npy files, each named like its array.
#include "core/fail.h"
#include "format/foreign/npy.h"
#include "format/foreign/readers.h"
#include "format/foreign/zip_archive.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

constexpr std::string_view kExtension = ".npy";

// The header of an entry; of a compressed one, no more is inflated for it.
NpyHeader header_of(const ZipArchive& archive, const ZipEntry& entry, std::string_view name) {
  const ZipArchive::Bytes bytes = archive.read_first(entry, kLargestNpyHeader);
  return parse_npy(bytes.span, entry.size, name);
}

}  // namespace

ImportedFile read_npz(const FileBytes& file, const Context& context) {
  const auto archive = std::make_shared<const ZipArchive>(ZipArchive::open(file.bytes, file.owner));
  ImportedFile result;
  result.description = "a NumPy archive";
  for (const ZipEntry& entry : archive->entries()) {
    context.check_cancelled();
    if (!entry.name.ends_with(kExtension)) {
      result.dropped.push_back({std::string(entry.name), "an entry that is no .npy file"});
      if (result.dropped.size() > 1000)
        fail(ErrorCategory::format, "[npz] more than 1000 entries of the archive are no .npy files");
      continue;
    }
    const std::string name(entry.name.substr(0, entry.name.size() - kExtension.size()));
    NpyHeader header = header_of(*archive, entry, name);
    PendingTensor tensor{.name = name, .dtype = header.array.dtype, .shape = header.array.shape};
    tensor.make = [archive, &entry, array = std::move(header.array), begin = header.bytes] {
      ZipArchive::Bytes bytes = archive->read_checked(entry);
      return to_tensor(array, bytes.span.subspan(begin), std::move(bytes.owner));
    };
    result.tensors.push_back(std::move(tensor));
  }
  result.dropped_count = result.dropped.size();
  if (result.tensors.empty()) fail(ErrorCategory::model, "[npz] there is no array in the archive");
  return result;
}

}  // namespace safelight::foreign
