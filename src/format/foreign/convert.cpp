#include "safelight/convert.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/fail.h"
#include "core/mapped_file.h"
#include "core/printable.h"
#include "format/diagnose.h"
#include "format/foreign/byte_cursor.h"
#include "format/foreign/gguf.h"
#include "format/foreign/npy.h"
#include "format/foreign/pickle_opcodes.h"
#include "format/foreign/readers.h"
#include "format/foreign/writers.h"
#include "format/foreign/zip_archive.h"
#include "format/header.h"
#include "safelight/sharded.h"
#include "safelight/writer.h"

namespace safelight {
namespace {

struct FormatName {
  FileFormat format;
  std::string_view name;
};
constexpr std::array kFormats{
    FormatName{FileFormat::safetensors, "safetensors"},
    FormatName{FileFormat::torch, "torch"},
    FormatName{FileFormat::npy, "npy"},
    FormatName{FileFormat::npz, "npz"},
    FormatName{FileFormat::gguf, "gguf"},
};
constexpr std::array kTorchExtensions{".pt", ".pth", ".bin", ".ckpt", ".pkl"};

// The length field of a header and the brace that follows it.
bool begins_like_safetensors(std::span<const std::byte> file) {
  return file.size() > kLengthField && foreign::load<std::uint64_t>(file.data()) <= kLongestHeader &&
         file[kLengthField] == std::byte{'{'};
}

std::optional<FileFormat> recognise_bytes(const foreign::FileBytes& file) {
  if (begins_like_safetensors(file.bytes)) return FileFormat::safetensors;
  if (foreign::looks_like_gguf(file.bytes)) return FileFormat::gguf;
  if (foreign::looks_like_npy(file.bytes)) return FileFormat::npy;
  if (foreign::looks_like_zip(file.bytes)) return foreign::is_torch_archive(file) ? FileFormat::torch : FileFormat::npz;
  if (foreign::begins_like_pickle(file.bytes)) return FileFormat::torch;
  return std::nullopt;
}

ImportedFile import_safetensors(const std::filesystem::path& path) {
  const ShardedTensors files = ShardedTensors::open(path);
  ImportedFile result;
  result.format = FileFormat::safetensors;
  result.description = files.shards().size() == 1 ? "SafeTensors" : "a set of SafeTensors files";
  result.metadata = files.metadata();
  for (const auto& [info, shard] : files.tensors()) {
    // A view of the mapping costs nothing, and says whether the sizes fit.
    Tensor tensor = shard->tensor(*info);
    PendingTensor pending{.name = info->name, .dtype = tensor.dtype(), .shape = tensor.shape()};
    pending.make = [tensor = std::move(tensor)] { return tensor; };
    result.tensors.push_back(std::move(pending));
  }
  return result;
}

void expect_no_prefix(FileFormat format, const ImportOptions& options) {
  if (options.prefix && format != FileFormat::torch)
    fail(ErrorCategory::usage, "[convert] expected a PyTorch checkpoint for a prefix, found a file of kind {}",
         name(format));
}

ImportedFile read(FileFormat format, const std::filesystem::path& path, const foreign::FileBytes& file,
                  const ImportOptions& options, const Context& context) {
  expect_no_prefix(format, options);
  switch (format) {
    case FileFormat::safetensors:
      return import_safetensors(path);
    case FileFormat::torch:
      return foreign::read_torch(file, options, context);
    case FileFormat::npy:
      return foreign::read_npy(file);
    case FileFormat::npz:
      return foreign::read_npz(file, context);
    case FileFormat::gguf:
      return foreign::read_gguf(file, options);
  }
  return {};
}

FileFormat choose_format(const std::filesystem::path& path, const foreign::FileBytes& file,
                         const ImportOptions& options) {
  if (options.format) return *options.format;
  if (const auto format = recognise_bytes(file)) return *format;
  // The oldest pickles have no mark of their own: the name decides.
  const auto by_name = format_of_name(path);
  const std::string what(diagnose(file.bytes));
  if (by_name == FileFormat::torch && what.empty()) return *by_name;
  fail(ErrorCategory::format, "[convert] the file is none of the formats that are known{}{}",
       what.empty() ? "" : "; it looks like ", what);
}

FileFormat target_format(const std::filesystem::path& out, const ConvertOptions& options) {
  const auto format = options.to ? options.to : format_of_name(out);
  if (!format)
    fail(ErrorCategory::usage,
         "[convert] the name {} does not say what to write; expected .safetensors, .npz, .npy or .gguf",
         printable(out.native()));
  if (*format == FileFormat::torch)
    fail(ErrorCategory::usage, "[convert] PyTorch's formats are read, not written: they are programs");
  if (options.quantise_q8_0 && *format != FileFormat::gguf)
    fail(ErrorCategory::usage, "[convert] only GGUF files hold Q8_0");
  return *format;
}

}  // namespace

std::string_view name(FileFormat format) noexcept {
  return std::find_if(kFormats.begin(), kFormats.end(), [&](const FormatName& f) { return f.format == format; })->name;
}

std::optional<FileFormat> parse_file_format(std::string_view text) noexcept {
  for (const FormatName& f : kFormats)
    if (f.name == text) return f.format;
  return std::nullopt;
}

std::optional<FileFormat> format_of_name(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::find(kTorchExtensions.begin(), kTorchExtensions.end(), extension) != kTorchExtensions.end())
    return FileFormat::torch;
  return extension.empty() ? std::nullopt : parse_file_format(extension.substr(1));
}

std::optional<FileFormat> recognise(const std::filesystem::path& path) {
  const auto mapping = MappedFile::open(path);
  return recognise_bytes({mapping->bytes(), mapping});
}

ImportedFile import_file(const std::filesystem::path& path, const ImportOptions& options, const Context& context) {
  // Only SafeTensors files are opened as sets.
  if (options.format.value_or(FileFormat::safetensors) == FileFormat::safetensors && names_a_set(path)) {
    expect_no_prefix(FileFormat::safetensors, options);
    return import_safetensors(path);
  }
  const auto mapping = MappedFile::open(path);
  const foreign::FileBytes file{mapping->bytes(), mapping};
  try {
    const FileFormat format = choose_format(path, file, options);
    ImportedFile result = read(format, path, file, options, context);
    result.format = format;
    return result;
  } catch (const Error& e) {
    if (options.format == FileFormat::safetensors) throw;  // its reader names the file itself
    fail(e.category(), "{}: {}", printable(path.native()), e.what());
  }
}

ConvertReport convert(const std::filesystem::path& in, const std::filesystem::path& out, const ConvertOptions& options,
                      const Context& context) {
  const FileFormat to = target_format(out, options);
  ImportedFile file = import_file(in, options.source, context);
  ConvertReport report{.from = file.format, .to = to, .description = std::move(file.description)};
  report.tensors = file.tensors.size();
  report.dropped = std::move(file.dropped);
  report.dropped_count = file.dropped_count;
  report.shared = std::move(file.shared);
  report.notes = std::move(file.notes);
  switch (to) {
    case FileFormat::npy:
      foreign::write_npy(out, file.tensors, report.notes, context);
      break;
    case FileFormat::npz:
      foreign::write_npz(out, file.tensors, file.metadata, report.notes, context);
      break;
    case FileFormat::gguf:
      foreign::write_gguf(out, file.tensors, file.metadata, options.quantise_q8_0, report.notes, context);
      break;
    default: {
      const SaveReport saved = save(out, file.tensors, file.metadata, {}, context);
      if (!saved.note.empty()) report.notes.push_back(saved.note);
    }
  }
  report.bytes = std::filesystem::file_size(out);
  return report;
}

}  // namespace safelight
