#include "safelight/sharded.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/fail.h"
#include "core/mapped_file.h"
#include "core/printable.h"
#include "core/read_fully.h"
#include "format/header.h"
#include "format/limits.h"
#include "format/rules.h"
#include "format/safetensors_state.h"
#include "format/shard_index.h"

namespace safelight {

namespace fs = std::filesystem;

struct ShardedTensors::State {
  fs::path path;
  std::vector<SafeTensors> shards;
  std::vector<Entry> entries;         // by shard, then by offset
  std::vector<const Entry*> by_name;  // each name once
  Metadata metadata, index_metadata;
  std::vector<ShardProblem> problems;
};

namespace {

constexpr std::size_t kMostProblems = 1000;  // an index may promise millions of tensors that are not there

std::string as_text(const fs::path& path) { return printable(path.native()); }

}  // namespace

// Opens a set and compares its parts.
class ShardSet {
 public:
  explicit ShardSet(const ShardedOptions& options) : options_(options) {}

  std::shared_ptr<const ShardedTensors::State> open(const fs::path& path);
  std::shared_ptr<const ShardedTensors::State> of_one(const SafeTensors& file);

 private:
  using Entry = ShardedTensors::Entry;

  void open_folder(const fs::path& folder);
  void open_index(const fs::path& path);
  void open_shard(const fs::path& file, const std::string& shown_name);
  void check_numbers(const std::set<std::string>& files);
  void find_extra_shards(const fs::path& folder, const ShardIndex& index);
  void collect();
  const Entry* choose(std::span<const Entry* const> same_name);
  void compare_with_index();
  void compare_sizes();
  template <class... Args>
  void problem(const char* rule, fmt::format_string<Args...> format, Args&&... args);
  void finish();

  const ShardedOptions& options_;
  std::shared_ptr<ShardedTensors::State> state_ = std::make_shared<ShardedTensors::State>();
  std::optional<ShardIndex> index_;
  std::map<std::string, std::size_t> opened_;  // name in the index, place in state_->shards
  std::size_t problems_ = 0;
};

template <class... Args>
void ShardSet::problem(const char* rule, fmt::format_string<Args...> format, Args&&... args) {
  if (++problems_ <= kMostProblems)
    state_->problems.push_back({rule, fmt::format(format, std::forward<Args>(args)...)});
}

std::shared_ptr<const ShardedTensors::State> ShardSet::open(const fs::path& path) {
  state_->path = path;
  std::error_code unknown;
  if (fs::is_directory(path, unknown))
    open_folder(path);
  else if (path.extension() == ".json")
    open_index(path);
  else
    state_->shards.push_back(SafeTensors::open(path, options_.open));
  collect();
  if (index_) {
    compare_with_index();
    compare_sizes();
  }
  finish();
  return state_;
}

std::shared_ptr<const ShardedTensors::State> ShardSet::of_one(const SafeTensors& file) {
  state_->path = file.path();
  state_->shards.push_back(file);
  collect();
  return state_;
}

void ShardSet::open_folder(const fs::path& folder) {
  std::set<std::string> files, indexes;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().native();
    if (name.ends_with(kShardIndexEnd)) indexes.insert(name);
    if (name.ends_with(".safetensors")) files.insert(name);
  }
  if (error) fail(ErrorCategory::io, "[shards] cannot list {}: {}", as_text(folder), error.message());
  if (indexes.size() > 1)
    fail(ErrorCategory::usage, "[shards] {} has {} indexes; name the one to open, such as {}", as_text(folder),
         indexes.size(), printable(*indexes.begin()));
  if (indexes.size() == 1) {
    open_index(folder / *indexes.begin());
    return;
  }
  if (files.empty()) fail(ErrorCategory::io, "[shards] {} has no .safetensors file", as_text(folder));
  check_numbers(files);
  for (const std::string& name : files) open_shard(folder / name, name);
}

void ShardSet::open_index(const fs::path& path) {
  const auto file = MappedFile::open(path);
  try {
    check_limit("the index", file->bytes().size(), "bytes",
                std::min(options_.open.limits.header_bytes, kLongestHeader));
    std::string json(file->bytes().size(), '\0');
    read_fully(file->descriptor(), path, 0, std::as_writable_bytes(std::span(json)));
    index_ = parse_shard_index(json, options_.open.limits);
  } catch (const Error& e) {
    fail(e.category(), "[shards] {}: {}", as_text(path), e.what());
  }
  const fs::path folder = path.parent_path();
  for (const std::string& name : index_->shards) {
    if (!stays_in_folder(name))
      problem("shard-path", "the index names \"{}\", which is not a file of its folder", shown(name));
    else
      open_shard(folder / name, name);
  }
  find_extra_shards(folder, *index_);
  state_->index_metadata = index_->metadata;
}

void ShardSet::open_shard(const fs::path& file, const std::string& name) {
  std::error_code unknown;
  if (!fs::exists(file, unknown)) {
    problem("shard-missing", "shard \"{}\" is not there", shown(name));
    return;
  }
  try {
    state_->shards.push_back(SafeTensors::open(file, options_.open));
    opened_[name] = state_->shards.size() - 1;
  } catch (const Error& e) {
    if (!options_.tolerant || e.category() == ErrorCategory::limit) throw;
    problem("shard-invalid", "shard \"{}\": {}", shown(name), e.what());
  }
}

// Files numbered "k of n" must be n. REQUIRES: sorted, so that those of one set follow each other.
void ShardSet::check_numbers(const std::set<std::string>& files) {
  std::map<std::pair<std::string_view, std::uint64_t>, std::set<std::uint64_t>> found;
  for (const std::string& file : files)
    if (const auto n = shard_number(file)) found[{n->stem, n->count}].insert(n->number);
  for (const auto& [set, numbers] : found) {
    std::uint64_t expected = 1;
    for (const std::uint64_t number : numbers) {
      for (; expected < number && problems_ < kMostProblems; ++expected)
        problem("shard-missing", "shard {} of {} of \"{}\" is not there", expected, set.second, shown(set.first));
      expected = number + 1;
    }
    for (; expected <= set.second && problems_ < kMostProblems; ++expected)
      problem("shard-missing", "shard {} of {} of \"{}\" is not there", expected, set.second, shown(set.first));
  }
}

void ShardSet::find_extra_shards(const fs::path& folder, const ShardIndex& index) {
  std::set<std::string_view> stems;
  for (const std::string& name : index.shards)
    if (const auto n = shard_number(name)) stems.insert(n->stem);
  std::error_code error;
  for (fs::directory_iterator it(folder.empty() ? "." : folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().native();
    const auto n = shard_number(name);
    if (n && stems.contains(n->stem) && !std::binary_search(index.shards.begin(), index.shards.end(), name))
      problem("shard-extra", "\"{}\" is numbered as a shard, but the index does not name it", shown(name));
  }
}

void ShardSet::collect() {
  for (const SafeTensors& shard : state_->shards) {
    for (const TensorInfo& info : shard.tensors()) state_->entries.push_back({&info, &shard});
    for (const auto& [key, value] : shard.metadata()) state_->metadata.emplace(key, value);
  }
  std::vector<const Entry*> all;
  for (const Entry& entry : state_->entries) all.push_back(&entry);
  std::stable_sort(all.begin(), all.end(),
                   [](const Entry* a, const Entry* b) { return a->info->name < b->info->name; });
  for (std::size_t i = 0, end = 0; i < all.size(); i = end) {
    for (end = i; end < all.size() && all[end]->info->name == all[i]->info->name;) ++end;
    state_->by_name.push_back(choose(std::span(all).subspan(i, end - i)));
  }
  if (state_->by_name.size() == state_->entries.size()) return;
  std::vector<Entry> once;
  for (const Entry& entry : state_->entries) {
    const auto place =
        std::lower_bound(state_->by_name.begin(), state_->by_name.end(), entry.info->name,
                         [](const Entry* chosen, const std::string& name) { return chosen->info->name < name; });
    if (*place == &entry) once.push_back(entry);
  }
  // The pointers follow the entries to their new places.
  state_->entries = std::move(once);
  state_->by_name.clear();
  for (const Entry& entry : state_->entries) state_->by_name.push_back(&entry);
  std::sort(state_->by_name.begin(), state_->by_name.end(),
            [](const Entry* a, const Entry* b) { return a->info->name < b->info->name; });
}

// Of the tensors with one name.
const ShardSet::Entry* ShardSet::choose(std::span<const Entry* const> same_name) {
  if (same_name.size() == 1) return same_name.front();
  const std::string& name = same_name.front()->info->name;
  problem("tensor-duplicate", "tensor \"{}\" is in {} and in {}", shown(name), as_text(same_name[0]->shard->path()),
          as_text(same_name[1]->shard->path()));
  if (!index_) return same_name.front();
  const auto said = std::lower_bound(index_->entries.begin(), index_->entries.end(), name,
                                     [](const ShardIndex::Entry& e, const std::string& n) { return e.tensor < n; });
  if (said == index_->entries.end() || said->tensor != name) return same_name.front();
  const auto shard = opened_.find(index_->shards[said->shard]);
  for (const Entry* entry : same_name)
    if (shard != opened_.end() && entry->shard == &state_->shards[shard->second]) return entry;
  return same_name.front();
}

// Both lists are sorted by name.
void ShardSet::compare_with_index() {
  auto found = state_->by_name.begin();
  const auto extra = [&] {
    problem("tensor-extra", "{} has tensor \"{}\", which the index does not name", as_text((*found)->shard->path()),
            shown((*found)->info->name));
  };
  for (const ShardIndex::Entry& said : index_->entries) {
    for (; found != state_->by_name.end() && (*found)->info->name < said.tensor; ++found) extra();
    const bool here = found != state_->by_name.end() && (*found)->info->name == said.tensor;
    const std::string& file = index_->shards[said.shard];
    const auto shard = opened_.find(file);
    if (shard != opened_.end() && (!here || (*found)->shard != &state_->shards[shard->second]))
      problem("tensor-missing", "shard \"{}\" has no tensor \"{}\", which the index puts there{}", shown(file),
              shown(said.tensor), here ? "; it is in " + as_text((*found)->shard->path()) : "");
    if (here) ++found;
  }
  for (; found != state_->by_name.end(); ++found) extra();
}

// Only of a set that is otherwise right: what is missing or too much has been told.
void ShardSet::compare_sizes() {
  if (!index_->total_size || problems_ > 0) return;
  std::uint64_t sum = 0;
  for (const Entry& entry : state_->entries) sum += entry.info->bytes();
  if (sum != *index_->total_size)
    problem("total-size", "the index says that all tensors have {} bytes, but they have {}", *index_->total_size, sum);
}

void ShardSet::finish() {
  if (problems_ == 0) return;
  if (!options_.tolerant) {
    const ShardProblem& first = state_->problems.front();
    fail(first.rule == "shard-missing" ? ErrorCategory::io : ErrorCategory::format, "[shards] {}: {} (rule {}){}",
         as_text(state_->path), first.detail, first.rule,
         problems_ > 1 ? fmt::format("; and {} more problems", problems_ - 1) : "");
  }
  if (problems_ > kMostProblems)
    state_->problems.push_back({"more", fmt::format("{} more problems are not listed", problems_ - kMostProblems)});
}

bool names_a_set(const fs::path& path) noexcept {
  std::error_code unknown;
  return path.extension() == ".json" || fs::is_directory(path, unknown);
}

ShardedTensors ShardedTensors::open(const fs::path& path, const ShardedOptions& options) {
  return ShardedTensors(ShardSet(options).open(path));
}

ShardedTensors::ShardedTensors(const SafeTensors& file) : state_(ShardSet({}).of_one(file)) {}

const fs::path& ShardedTensors::path() const noexcept { return state_->path; }
std::span<const SafeTensors> ShardedTensors::shards() const noexcept { return state_->shards; }
std::span<const ShardedTensors::Entry> ShardedTensors::tensors() const noexcept { return state_->entries; }
const Metadata& ShardedTensors::metadata() const noexcept { return state_->metadata; }
const Metadata& ShardedTensors::index_metadata() const noexcept { return state_->index_metadata; }
std::span<const ShardProblem> ShardedTensors::problems() const noexcept { return state_->problems; }

ShardedTensors::Entry ShardedTensors::find(std::string_view name) const noexcept {
  const auto place = std::lower_bound(state_->by_name.begin(), state_->by_name.end(), name,
                                      [](const Entry* entry, std::string_view n) { return entry->info->name < n; });
  return place != state_->by_name.end() && (*place)->info->name == name ? **place : Entry{nullptr, nullptr};
}

Tensor ShardedTensors::tensor(std::string_view name) const {
  const Entry entry = find(name);
  if (!entry.info) fail(ErrorCategory::model, "[shards] {} has no tensor \"{}\"", as_text(path()), shown(name));
  return entry.shard->tensor(*entry.info);
}

}  // namespace safelight
