#include "safelight/edit_metadata.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/atomic_file.h"
#include "core/copy_range.h"
#include "core/fail.h"
#include "core/file_operations.h"
#include "core/printable.h"
#include "format/contents.h"
#include "format/edit_journal.h"
#include "format/header.h"
#include "format/header_text.h"
#include "format/metadata_splice.h"
#include "format/rules.h"

namespace safelight {
namespace {

// The file to be edited, locked, validated, and its header as text.
struct Source {
  std::filesystem::path path;    // as given, for messages
  std::filesystem::path real{};  // without links
  FileDescriptor file{-1};
  bool writable = false;  // in place
  std::uint64_t file_bytes = 0;
  Contents contents{};
  std::string header{};

  std::uint64_t header_end() const { return kLengthField + header.size(); }
};

[[noreturn]] void fail_to(const char* action, const std::filesystem::path& path) {
  fail(ErrorCategory::io, "[edit] cannot {} {}: {}", action, printable(path.native()), std::strerror(errno));
}

void open_file(Source& source, bool to_itself) {
  std::error_code error;
  source.real = std::filesystem::canonical(source.path, error);
  if (error) fail(ErrorCategory::io, "[edit] cannot open {}: {}", printable(source.path.native()), error.message());
  struct stat status {};
  if (::stat(source.real.c_str(), &status) != 0) fail_to("examine", source.path);
  if (!S_ISREG(status.st_mode))
    fail(ErrorCategory::io, "[edit] expected a regular file, but {} is not one", printable(source.path.native()));
  // Root may write to everything, but who marks a file as read-only means it.
  if (to_itself && (status.st_mode & 0222u) == 0)
    fail(ErrorCategory::io, "[edit] {} is read-only", printable(source.path.native()));
  if (to_itself) source.file = open_for_edit(source.real, O_RDWR);
  source.writable = static_cast<bool>(source.file);
  if (to_itself && !source.writable && !is_unsupported(errno)) fail_to("open", source.path);
  if (!source.writable) source.file = open_for_edit(source.real, O_RDONLY);
  if (!source.file) fail_to("open", source.path);
}

// Of the file that is locked, whatever its name means by now; what was checked is what will be edited.
void read_contents_of(Source& source) {
  struct stat status {};
  if (::fstat(source.file.get(), &status) != 0) fail_to("examine", source.path);
  source.file_bytes = static_cast<std::uint64_t>(status.st_size);
  try {
    const HeaderText header = read_header(source.file.get(), source.file_bytes, source.path, {});
    source.contents = read_contents(header, {.mode = Mode::strict});
    source.header = header.view();
  } catch (const BrokenRule& e) {
    fail(e.category(), "[edit] {}: {} (rule {})", printable(source.path.native()), e.what(), name(e.rule()));
  }
}

Source open_source(const std::filesystem::path& path, bool to_itself) {
  Source source{.path = path};
  open_file(source, to_itself);
  replay_journal(source.file.get(), source.real);
  read_contents_of(source);
  return source;
}

Metadata edited(Metadata metadata, const MetadataEdits& edits, const std::filesystem::path& path) {
  for (const std::string& key : edits.remove)
    if (metadata.erase(key) == 0)
      fail(ErrorCategory::usage, "[edit] the metadata of {} has no key \"{}\"", printable(path.native()), shown(key));
  for (const auto& [key, text] : edits.set) metadata.insert_or_assign(key, text);
  return metadata;
}

// From the first byte that differs to the last.
HeaderChange difference(const Source& source, const std::string& header) {
  const auto [old_first, new_first] = std::mismatch(source.header.begin(), source.header.end(), header.begin());
  const auto [old_last, new_last] =
      std::mismatch(source.header.rbegin(), std::make_reverse_iterator(old_first), header.rbegin());
  return {.file_bytes = source.file_bytes,
          .header_end = source.header_end(),
          .offset = kLengthField + static_cast<std::uint64_t>(old_first - source.header.begin()),
          .before = {old_first, old_last.base()},
          .after = {new_first, new_last.base()}};
}

EditWay way_of(CopyWay way) {
  switch (way) {
    case CopyWay::shared_extents:
      return EditWay::shared_extents;
    case CopyWay::kernel:
      return EditWay::kernel_copy;
    case CopyWay::plain:
      break;
  }
  return EditWay::copy;
}

// Longer by whole blocks, so that the tensors keep their place inside a block.
std::size_t longer_header(std::size_t now, std::size_t needed) {
  const std::size_t missing = needed > now ? needed - now : 0;
  return now + (missing + kSharedBlock - 1) / kSharedBlock * kSharedBlock;
}

void copy_with_header(const Source& source, const std::filesystem::path& to, const std::string& header, bool durable,
                      const Context& context, EditReport& report) {
  AtomicFile out(to);
  const std::string framed_header = framed(header);
  const auto total = static_cast<std::int64_t>(source.file_bytes - source.header_end());
  const CopyWay way = copy_range(source.file.get(), source.header_end(), source.file_bytes, out, framed_header.size(),
                                 [&](std::uint64_t done) {
                                   context.check_cancelled();
                                   context.report("copy", static_cast<std::int64_t>(done), total);
                                 });
  out.write_at(0, std::as_bytes(std::span(framed_header)));
  context.check_cancelled();
  report.way = way_of(way);
  report.save = out.commit(durable);
}

}  // namespace

std::string_view name(EditWay way) noexcept {
  switch (way) {
    case EditWay::unchanged:
      return "unchanged";
    case EditWay::in_place:
      return "in-place";
    case EditWay::shared_extents:
      return "shared-extents";
    case EditWay::kernel_copy:
      return "kernel-copy";
    case EditWay::copy:
      break;
  }
  return "copy";
}

Metadata parse_metadata(std::string_view json) {
  const std::string header = fmt::format("{{\"__metadata__\":{}}}", json);
  try {
    Header parsed = parse_header(header, {.mode = Mode::strict});
    if (parsed.tensors.empty()) return std::move(parsed.metadata);
  } catch (const BrokenRule&) {  // its offsets would be those of the header, so what it says is said below
  }
  fail(ErrorCategory::format, "[metadata] expected a JSON object of strings in UTF-8, no key twice; found {}",
       printable(json, 60));
}

EditReport edit_metadata(const std::filesystem::path& path, const MetadataEdits& edits, const EditOptions& options,
                         const Context& context) {
  const bool to_itself = options.output.empty();
  const Source source = open_source(path, to_itself);
  const Metadata metadata = edited(source.contents.metadata, edits, path);
  MetadataSplice splice(source.header);
  splice.set(metadata);
  if (options.slack > kLongestHeader || splice.needed() + options.slack > kLongestHeader)
    fail(ErrorCategory::limit, "[edit] the header would have more than the {} bytes that readers accept",
         kLongestHeader);

  const bool fits = splice.needed() + options.slack <= source.header.size();
  EditReport report{.slack = fits ? source.header.size() - splice.needed() : 0};
  context.check_cancelled();
  if (to_itself && fits) {
    if (metadata == source.contents.metadata) return report;
    const HeaderChange change = difference(source, splice.text(source.header.size()));
    if (source.writable && change_in_place(source.file.get(), source.real, change, options.durable, report.save)) {
      report.way = EditWay::in_place;
      return report;
    }
    report.save = {};
  }
  const std::size_t length = longer_header(source.header.size(), splice.needed() + options.slack);
  if (length > kLongestHeader)
    fail(ErrorCategory::limit, "[edit] the header would have {} bytes, but readers accept at most {}", length,
         kLongestHeader);
  report.slack = length - splice.needed();
  copy_with_header(source, to_itself ? source.real : options.output, splice.text(length), options.durable, context,
                   report);
  return report;
}

}  // namespace safelight
