#include <algorithm>

#include "core/atomic_file.h"
#include "core/atomic_folder.h"
#include "core/fail.h"
#include "format/rules.h"
#include "format/shards.h"
#include "safelight/edit.h"
#include "safelight/writer.h"
#include "tensor/byte_size.h"

namespace safelight {
namespace {

constexpr std::string_view kExtension = ".safetensors";
constexpr std::size_t kLongestName = 255;  // bytes that Linux file systems take

// Injective, and never "." or "..", a hidden file or a path. A name that begins with a dot has nothing before it, for
// which "%" alone stands.
std::string safe_file_name(std::string_view text) {
  if (text.empty()) return "%";
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::uint64_t bytes_of(std::span<const PendingTensor> tensors) {
  std::uint64_t sum = 0;
  for (const PendingTensor& t : tensors) sum += byte_size(t.dtype, t.shape);
  return sum;
}

std::string index_of(std::span<const Part> parts, std::uint64_t total) {
  std::vector<IndexEntry> entries;
  for (const Part& part : parts)
    for (const PendingTensor& t : part.tensors) entries.push_back({t.name, part.file});
  return index_text(std::move(entries), total);
}

// The same context, whose reports of one file become reports of the whole set.
Context within(const Context& context, std::uint64_t before, std::uint64_t total) {
  Context inner = context;
  if (context.on_progress)
    inner.on_progress = [&context, before, total](const Progress& report) {
      context.report(report.stage, static_cast<std::int64_t>(before) + report.done, static_cast<std::int64_t>(total));
    };
  return inner;
}

}  // namespace

std::vector<Part> split_by_prefix(std::vector<PendingTensor> tensors) {
  std::map<std::string, std::vector<PendingTensor>> groups;
  for (PendingTensor& t : tensors) groups[t.name.substr(0, t.name.find('.'))].push_back(std::move(t));
  std::vector<Part> parts;
  for (auto& [prefix, list] : groups) {
    std::string file = safe_file_name(prefix).append(kExtension);
    if (file.size() > kLongestName)
      fail(ErrorCategory::limit, "[split] \"{}\" is too long for a file's name", shown(prefix));
    parts.push_back({std::move(file), std::move(list)});
  }
  return parts;
}

std::vector<Part> split_by_size(std::vector<PendingTensor> tensors, std::string_view name, std::uint64_t bytes) {
  std::vector<std::uint64_t> sizes;
  sizes.reserve(tensors.size());
  for (const PendingTensor& t : tensors) sizes.push_back(byte_size(t.dtype, t.shape));
  const std::vector<std::vector<std::size_t>> files = deal_out(sizes, bytes);
  const std::filesystem::path whole = std::string(name).append(kExtension);
  std::vector<Part> parts;
  for (std::size_t i = 0; i < files.size(); ++i) {
    Part& part = parts.emplace_back();
    part.file = files.size() == 1 ? whole : shard_path(whole, i, files.size());
    for (const std::size_t index : files[i]) part.tensors.push_back(std::move(tensors[index]));
  }
  return parts;
}

void save_parts(const std::filesystem::path& folder, std::string_view name, std::span<const Part> parts,
                const Metadata& metadata, const Context& context) {
  AtomicFolder whole(folder);
  std::uint64_t total = 0, done = 0;
  for (const Part& part : parts) total += bytes_of(part.tensors);
  for (const Part& part : parts) {
    save(whole.folder() / part.file, part.tensors, metadata, {}, within(context, done, total));
    done += bytes_of(part.tensors);
  }
  if (parts.size() > 1) {
    const std::string index = index_of(parts, total);
    write_file_atomically(whole.folder() / index_path(std::string(name).append(kExtension)),
                          std::as_bytes(std::span(index)));
  }
  whole.commit();
}

}  // namespace safelight
