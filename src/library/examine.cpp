#include "library/examine.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/fail.h"
#include "core/printable.h"
#include "format/shard_index.h"
#include "library/diffusers_folder.h"
#include "library/folder_kinds.h"
#include "models/said_prediction.h"
#include "safelight/convert.h"
#include "safelight/sharded.h"
#include "tensor/byte_size.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

void add_notes(Recognition& found, std::vector<std::string> notes) {
  found.notes.insert(found.notes.end(), std::make_move_iterator(notes.begin()), std::make_move_iterator(notes.end()));
}

void examine_safetensors(const fs::path& path, Examined& found) {
  found.format = name(FileFormat::safetensors);
  const SafeTensors file = SafeTensors::open(path);
  found.bytes = file.file_bytes();
  std::vector<std::string> notes;
  Inventory inventory = inventory_of(file);
  inventory.said = said_beside(path, notes);
  found.recognition = recognise(inventory);
  add_notes(found.recognition, std::move(notes));
}

void examine_shards(const fs::path& path, Examined& found) {
  found.format = "shards";
  const ShardedTensors files = ShardedTensors::open(path, {.open = {}, .tolerant = true});
  std::vector<TensorInfo> tensors;
  tensors.reserve(files.tensors().size());
  for (const ShardedTensors::Entry& entry : files.tensors()) tensors.push_back(*entry.info);
  for (const SafeTensors& shard : files.shards()) found.bytes += shard.file_bytes();
  found.recognition = recognise(Inventory{.tensors = tensors, .metadata = &files.metadata()});
  if (!files.problems().empty()) found.problem = files.problems().front().detail;
}

void examine_diffusers(const fs::path& path, Examined& found) {
  found.format = "diffusers";
  DiffusersFolder folder = open_diffusers_folder(path);
  found.bytes = folder.bytes;
  found.recognition = recognise(
      Inventory{.tensors = folder.tensors, .metadata = &folder.metadata, .read = {}, .said = std::move(folder.said)});
  if (folder.tensors.empty())
    found.problem = fmt::format("{}: none of its networks can be opened", printable(path.native()));
  if (!folder.pipeline.empty())
    found.recognition.facts.push_back(
        {fmt::format("was saved as {}", printable(folder.pipeline, 60)), "model_index.json"});
  add_notes(found.recognition, std::move(folder.notes));
}

void examine_folder(const fs::path& path, Examined& found) {
  if (is_diffusers_folder(path)) return examine_diffusers(path, found);
  examine_shards(path, found);
}

std::string_view describe_format(FileFormat format) {
  switch (format) {
    case FileFormat::torch:
      return "a PyTorch file (a pickle)";
    case FileFormat::gguf:
      return "a GGUF file";
    case FileFormat::npy:
    case FileFormat::npz:
      return "NumPy arrays";
    case FileFormat::safetensors:
      break;
  }
  return "a SafeTensors file";
}

// The tensors of another program's file, as if it were converted.
void look_inside(const fs::path& path, const Context& context, Examined& found) {
  const ImportedFile file = import_file(path, {}, context);
  std::vector<TensorInfo> tensors;
  for (const PendingTensor& pending : file.tensors) {
    TensorInfo info{.name = pending.name, .dtype = pending.dtype, .shape{pending.shape.begin(), pending.shape.end()}};
    info.end = byte_size(pending.dtype, pending.shape);
    tensors.push_back(std::move(info));
  }
  found.recognition = recognise(Inventory{.tensors = tensors, .metadata = &file.metadata});
}

void examine_foreign(const fs::path& path, FileFormat format, const ExamineOptions& options, const Context& context,
                     Examined& found) {
  found.format = name(format);
  std::error_code ignored;
  found.bytes = fs::file_size(path, ignored);
  found.recognition = {.what = std::string(describe_format(format)), .evidence = "its first bytes"};
  if (options.foreign) look_inside(path, context, found);
  found.problem = fmt::format("{}: safelight convert makes a SafeTensors file of it", describe_format(format));
}

void examine_file(const fs::path& path, const ExamineOptions& options, const Context& context, Examined& found) {
  const std::string file_name = lower_case(path.filename().native());
  if (names_a_set(path)) return examine_shards(path, found);
  if (file_name.ends_with(".safetensors") || file_name.ends_with(".sft")) return examine_safetensors(path, found);
  const std::optional<FileFormat> format = recognise(path);
  if (!format || format == FileFormat::safetensors) return examine_safetensors(path, found);
  examine_foreign(path, *format, options, context, found);
}

}  // namespace

bool is_model_folder(const fs::path& folder) {
  if (is_diffusers_folder(folder)) return true;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().native().ends_with(kShardIndexEnd)) return true;
  return false;
}

Examined examine(const fs::path& path, const ExamineOptions& options, const Context& context) {
  Examined found;
  try {
    if (is_folder(path))
      examine_folder(path, found);
    else
      examine_file(path, options, context, found);
  } catch (const Error& e) {
    if (e.category() == ErrorCategory::cancelled) throw;
    found.problem = e.what();
    std::error_code ignored;
    if (found.bytes == 0 && fs::is_regular_file(path, ignored)) found.bytes = fs::file_size(path, ignored);
  }
  return found;
}

}  // namespace safelight
