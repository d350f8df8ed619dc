#include "safelight/scan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <tuple>

#include "core/fail.h"
#include "core/mapped_file.h"
#include "core/printable.h"
#include "format/diagnose.h"
#include "format/foreign/byte_cursor.h"
#include "format/foreign/gguf.h"
#include "format/foreign/npy.h"
#include "format/foreign/pickle_machine.h"
#include "format/foreign/pickle_summary.h"
#include "format/foreign/pickle_sweep.h"
#include "format/foreign/readers.h"
#include "format/foreign/scan_names.h"
#include "format/foreign/zip_archive.h"
#include "safelight/safetensors.h"

namespace safelight {
namespace {

using namespace foreign;

constexpr std::uint64_t kMostPickles = 10'000;  // in one file, one after another
constexpr std::size_t kMostFindings = 10'000;   // different ones
constexpr std::array kPickleEndings{".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib"};
constexpr std::uint64_t kLargestMember = std::uint64_t{256} << 20, kMostInflated = std::uint64_t{1} << 30;

std::string in_lower_case(std::string_view name) {
  std::string folded(name);
  std::transform(folded.begin(), folded.end(), folded.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return folded;
}

bool is_named_like_pickle(std::string_view name) {
  const std::string folded = in_lower_case(name);
  return std::any_of(kPickleEndings.begin(), kPickleEndings.end(),
                     [&](std::string_view ending) { return folded.ends_with(ending); });
}

// How sure it is that bytes are a pickle: of a tentative one, only imports that make sense count.
enum class Trust { certain, tentative };

class Scanner {
 public:
  explicit Scanner(const Context& context) : context_(context) {}

  void scan_file(const std::filesystem::path& path, const FileBytes& file);
  ScanReport finish();

 private:
  void remark(std::string name, std::string why, std::uint64_t offset = 0);
  void record(const PickleRun& run, std::span<const SweptImport> swept);
  std::vector<SweptImport> sweep(const PickleRun& run, std::span<const std::byte> bytes, std::size_t begin) const;
  void add(ScanFinding finding);
  bool scan_one(std::span<const std::byte> bytes, std::size_t begin, Trust trust, std::size_t& end);
  bool scan_pickles(std::span<const std::byte> bytes, std::size_t begin, Trust trust);
  void scan_npy(std::span<const std::byte> bytes);
  void scan_zip(const FileBytes& file);
  void scan_member(const ZipArchive& archive, const ZipEntry& entry);
  void scan_unknown(const std::filesystem::path& path, std::span<const std::byte> bytes);

  const Context& context_;
  ScanReport report_;
  std::string member_;
  std::uint64_t inflated_ = 0;
  using Key = std::tuple<std::string, std::string, std::string, ScanVerdict>;  // member, opcode, name
  std::map<Key, std::size_t> places_;                                          // in report_.findings
};

void Scanner::add(ScanFinding finding) {
  report_.verdict = std::max(report_.verdict, finding.verdict);
  finding.member = member_;
  const auto [place, is_new] =
      places_.emplace(Key{finding.member, finding.opcode, finding.name, finding.verdict}, report_.findings.size());
  if (!is_new) {
    ++report_.findings[place->second].count;
    return;
  }
  if (report_.findings.size() < kMostFindings) {
    report_.findings.push_back(std::move(finding));
    return;
  }
  // No room: what is left is told in one line.
  places_.erase(place);
  ScanFinding& last = report_.findings.back();
  last = {.verdict = std::max({last.verdict, finding.verdict, ScanVerdict::suspicious}),
          .name = "more",
          .why = fmt::format("there are more than {} different imports and calls", kMostFindings)};
}

void Scanner::remark(std::string name, std::string why, std::uint64_t offset) {
  add({.verdict = ScanVerdict::suspicious, .name = std::move(name), .why = std::move(why), .offset = offset});
}

void Scanner::record(const PickleRun& run, std::span<const SweptImport> swept) {
  const auto add_summary = [&](const ActionSummary& summary, Opcode opcode, std::size_t offset) {
    add({.verdict = summary.verdict,
         .opcode = std::string(name(opcode)),
         .name = summary.name,
         .why = summary.why,
         .arguments = summary.arguments,
         .offset = offset});
  };
  for (const PickleAction& action : run.actions) add_summary(summarise(run, action), action.opcode, action.offset);
  for (const SweptImport& import : swept) add_summary(summarise_import(import.name), import.opcode, import.offset);
}

// What follows a break that need not be one for Python.
std::vector<SweptImport> Scanner::sweep(const PickleRun& run, std::span<const std::byte> bytes,
                                        std::size_t begin) const {
  if (!run.goes_on) return {};
  return sweep_imports(bytes, begin, *run.goes_on, context_);
}

// False if a tentative pickle turned out to be none. `end`: the byte after it, or the end of the bytes if it broke.
bool Scanner::scan_one(std::span<const std::byte> bytes, std::size_t begin, Trust trust, std::size_t& end) {
  const PickleRun run = run_pickle(bytes, begin, {}, RawArrays::joblib, context_);
  const std::vector<SweptImport> swept = sweep(run, bytes, begin);
  if (trust == Trust::tentative && !imports_something_real(run) &&
      std::none_of(swept.begin(), swept.end(), [](const SweptImport& i) { return is_identifier_path(i.name); }))
    return false;
  ++report_.pickles;
  record(run, swept);
  if (run.skipped_arrays) {  // joblib skips the arrays, pickle.load does not: what either would do counts
    const PickleRun plain = run_pickle(bytes, begin, {}, RawArrays::none, context_);
    record(plain, sweep(plain, bytes, begin));
  }
  end = run.end;
  if (!run.broken.empty()) {
    remark("broken pickle", run.broken, run.end);
    end = bytes.size();
  }
  return true;
}

// All pickles from `begin` on, one after another. Returns whether there was any.
bool Scanner::scan_pickles(std::span<const std::byte> bytes, std::size_t begin, Trust trust) {
  if (begin >= bytes.size()) {
    if (trust == Trust::certain) remark("no pickle", "there are no bytes where a pickle should be", begin);
    return trust == Trust::certain;
  }
  const bool legacy = begins_like_legacy_torch(bytes.subspan(begin));
  constexpr std::uint64_t kLegacyPickles = 5;
  if (legacy) trust = Trust::certain;
  std::size_t at = begin;
  for (std::uint64_t count = 0; at < bytes.size(); ++count) {
    context_.check_cancelled();
    if (legacy && count == kLegacyPickles) return true;  // the rest are PyTorch's storages
    if (count == kMostPickles) {
      remark("more pickles", fmt::format("there are more than {} pickles in the file", kMostPickles), at);
      return true;
    }
    const Trust here = count == 0 ? trust : begins_like_pickle(bytes.subspan(at)) ? Trust::certain : Trust::tentative;
    std::size_t end = at;
    if (!scan_one(bytes, at, here, end)) {
      if (count > 0)
        remark("bytes after the pickle", fmt::format("{} bytes follow that are no pickle", bytes.size() - at), at);
      return count > 0;
    }
    at = end;
  }
  return true;
}

void Scanner::scan_npy(std::span<const std::byte> bytes) {
  if (const std::size_t offset = npy_pickle_offset(bytes)) scan_pickles(bytes, offset, Trust::certain);
}

void Scanner::scan_member(const ZipArchive& archive, const ZipEntry& entry) {
  if (entry.compressed && (entry.size > kLargestMember || inflated_ + entry.size > kMostInflated)) {
    remark("compressed entry", fmt::format("its {} bytes are more than will be looked into", entry.size));
    return;
  }
  if (entry.compressed) inflated_ += entry.size;
  const ZipArchive::Bytes bytes = archive.read(entry);
  if (in_lower_case(entry.name).ends_with(".py"))
    remark("program text", "is code that torch.jit.load would run");
  else if (looks_like_zip(bytes.span))
    remark("archive in the archive", "is not looked into");
  else if (const std::string what = diagnose(bytes.span); what.find("archive;") != what.npos)
    remark("archive in the archive", fmt::format("it looks like {}", what));
  else if (looks_like_npy(bytes.span))
    scan_npy(bytes.span);
  else  // any of them can be loaded as a pickle, whatever its name: no instruction has to come first
    scan_pickles(bytes.span, 0, is_named_like_pickle(entry.name) ? Trust::certain : Trust::tentative);
}

void Scanner::scan_zip(const FileBytes& file) {
  const ZipArchive archive = ZipArchive::open(file.bytes, file.owner);
  const auto total = static_cast<std::int64_t>(file.bytes.size());
  for (const ZipEntry& entry : archive.entries()) {
    context_.check_cancelled();
    context_.report("scan", static_cast<std::int64_t>(entry.begin), total);
    member_ = entry.name;
    try {
      scan_member(archive, entry);
    } catch (const Error& e) {
      if (e.category() == ErrorCategory::cancelled) throw;
      remark("broken entry", e.what());
    }
  }
  member_.clear();
}

void Scanner::scan_unknown(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const bool by_name = is_named_like_pickle(path.native());
  const std::string what(diagnose(bytes));
  report_.kind = "a pickle";
  if (begins_like_pickle(bytes)) {
    scan_pickles(bytes, 0, Trust::certain);
  } else if (!scan_pickles(bytes, 0, by_name && what.empty() ? Trust::certain : Trust::tentative)) {
    report_.kind = what.empty() ? "an unknown file" : what;
    remark("unknown file", what.empty() ? "it is no file that is known, and no pickle"
                                        : fmt::format("it looks like {}, which is not looked into", what));
  }
}

void Scanner::scan_file(const std::filesystem::path& path, const FileBytes& file) {
  try {
    if (looks_like_zip(file.bytes)) {
      report_.kind = "a zip archive";
      scan_zip(file);
    } else if (looks_like_npy(file.bytes)) {
      report_.kind = "a NumPy array";
      scan_npy(file.bytes);
    } else if (looks_like_gguf(file.bytes) || check(path, Mode::compat).valid) {
      // Such a file can be made so that its first bytes are a pickle as well.
      report_.kind = looks_like_gguf(file.bytes) ? "GGUF" : "SafeTensors";
      scan_pickles(file.bytes, 0, Trust::tentative);
    } else {
      scan_unknown(path, file.bytes);
    }
  } catch (const Error& e) {
    if (e.category() == ErrorCategory::cancelled) throw;
    member_.clear();
    remark("broken file", e.what());
  }
}

ScanReport Scanner::finish() {
  std::stable_sort(report_.findings.begin(), report_.findings.end(),
                   [](const ScanFinding& a, const ScanFinding& b) { return a.verdict > b.verdict; });
  return std::move(report_);
}

}  // namespace

std::string_view name(ScanVerdict verdict) noexcept {
  switch (verdict) {
    case ScanVerdict::clean:
      return "clean";
    case ScanVerdict::suspicious:
      return "suspicious";
    case ScanVerdict::dangerous:
      return "dangerous";
  }
  return "";
}

ScanReport scan(const std::filesystem::path& path, const Context& context) {
  const auto mapping = MappedFile::open(path);
  Scanner scanner(context);
  scanner.scan_file(path, {mapping->bytes(), mapping});
  return scanner.finish();
}

}  // namespace safelight
