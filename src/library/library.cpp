#include "library/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "core/fail.h"
#include "core/printable.h"
#include "core/thread_pool.h"
#include "core/workers.h"
#include "library/quick_hash.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

void note_wrong_folder(LibraryEntry& entry) {
  const ModelKind kind = entry.examined.recognition.kind;
  const auto folder = entry.found.kind;
  if (!folder || kind == ModelKind::unknown || kind == ModelKind::other || *folder == ModelKind::other) return;
  const auto alike = [](ModelKind k) {  // programs keep these in each other's folders
    return k == ModelKind::checkpoint ? ModelKind::unet
           : k == ModelKind::tiny_vae ? ModelKind::vae
           : k == ModelKind::adapter  ? ModelKind::controlnet
                                      : k;
  };
  if (alike(kind) != alike(*folder))
    entry.examined.recognition.notes.push_back(
        fmt::format("it lies in a folder for the kind {}, but is of the kind {}", name(*folder), name(kind)));
}

bool can_be_hashed(const LibraryEntry& entry) {
  std::error_code ignored;
  return entry.found.problem.empty() && fs::is_regular_file(entry.path(), ignored);
}

void look_at(LibraryEntry& entry, const Context& context) {
  if (!entry.found.problem.empty()) return;
  entry.examined = examine(entry.path(), {}, context);
  note_wrong_folder(entry);
  if (can_be_hashed(entry)) entry.hashes = cached_hashes_of(entry.path());
}

}  // namespace

ModelKind LibraryEntry::kind() const {
  const ModelKind told = examined.recognition.kind;
  return told == ModelKind::unknown ? found.kind.value_or(ModelKind::unknown) : told;
}

std::string LibraryEntry::title() const {
  return hashes.autov2.empty() ? name() : fmt::format("{} [{}]", name(), hashes.autov2);
}

std::vector<LibraryEntry> list_models(std::span<const fs::path> folders, const Context& context) {
  std::vector<FoundModel> problems;
  std::vector<ModelsRoot> roots;
  for (const fs::path& folder : folders) {
    std::error_code error;
    if (!fs::is_directory(folder, error))
      fail(ErrorCategory::io, "[library] {}: expected a folder, found {}", printable(folder.native()),
           error ? error.message() : "something else");
    std::ranges::move(roots_of(folder, problems), std::back_inserter(roots));
  }
  std::vector<FoundModel> found = find_models(roots, context);
  std::ranges::move(problems, std::back_inserter(found));
  std::vector<LibraryEntry> entries;
  entries.reserve(found.size());
  for (FoundModel& model : found) entries.push_back({.found = std::move(model)});

  // Most of the time goes into parsing headers.
  std::atomic<std::size_t> next = 0;
  const int threads = context.threads > 0 ? context.threads : available_cores();
  run_workers(
      threads, context,
      [&](int) {
        const std::size_t i = next.fetch_add(1);
        if (i >= entries.size()) return false;
        look_at(entries[i], context);
        return true;
      },
      [] {});
  return entries;
}

void add_missing_hashes(std::span<LibraryEntry> entries, const Context& context) {
  std::int64_t done = 0, total = 0;
  std::vector<LibraryEntry*> missing;
  for (LibraryEntry& entry : entries)
    if (can_be_hashed(entry) && (entry.hashes.sha256.empty() || entry.hashes.autov1 == "")) {
      missing.push_back(&entry);
      total += static_cast<std::int64_t>(entry.examined.bytes);
    }
  for (LibraryEntry* entry : missing) {
    Context part = context;
    part.on_progress = [&](const Progress& p) { context.report(p.stage, std::min(done + p.done, total), total); };
    try {
      entry->hashes = hash_file(entry->path(), {}, part);
    } catch (const Error& e) {
      if (e.category() == ErrorCategory::cancelled) throw;
      entry->examined.problem = e.what();
    }
    done += static_cast<std::int64_t>(entry->examined.bytes);
  }
}

}  // namespace safelight
