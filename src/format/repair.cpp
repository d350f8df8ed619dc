#include "safelight/repair.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "core/atomic_file.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/little_endian.h"
#include "core/mapped_file.h"
#include "core/printable.h"
#include "core/read_fully.h"
#include "format/accidents.h"
#include "format/contents.h"
#include "format/edit_journal.h"
#include "format/header.h"
#include "format/layout.h"
#include "format/limits.h"
#include "format/name_index.h"
#include "format/passing_tensor.h"
#include "format/rules.h"
#include "format/shape_of.h"
#include "format/verdict.h"
#include "safelight/writer.h"

namespace safelight {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kJsonSpace = " \t\n\r";

// What the file means, and what of it has to change.
struct Rescue {
  Contents contents;
  std::vector<std::string> changes;
  std::vector<std::string> lost;

  template <class... Args>
  void change(fmt::format_string<Args...> format, Args&&... args) {
    changes.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
};

// The contents of a file that needs no repair; nothing if it does. Throws BrokenRule if its header cannot be found.
std::optional<Contents> sound_contents(const MappedFile& file, const std::filesystem::path& path) {
  try {
    return read_contents(file, path, {});
  } catch (const BrokenRule& e) {
    if (e.rule() == Rule::header_too_small || e.rule() == Rule::header_too_large || e.rule() == Rule::header_length)
      throw;
    return std::nullopt;
  }
}

// The header's text. REQUIRES: it lies inside the file and is not longer than the format allows.
std::string header_of(const MappedFile& file, const std::filesystem::path& path) {
  std::array<std::byte, kLengthField> field;
  read_fully(file.descriptor(), path, 0, field);
  std::string text(std::min<std::uint64_t>(little_endian_u64(field), kLongestHeader), '\0');
  read_fully(file.descriptor(), path, kLengthField, std::as_writable_bytes(std::span(text)));
  return text;
}

// Makes spaces of a byte order mark before the header's object and of NULs after it, so that offsets stay.
std::string with_clean_edges(std::string json, Rescue& rescue) {
  if (json.starts_with(kByteOrderMark)) {
    json.replace(0, kByteOrderMark.size(), kByteOrderMark.size(), ' ');
    rescue.change("left out the byte order mark before the header");
  } else if (const std::size_t spaces = json.find_first_not_of(kJsonSpace); spaces != 0 && spaces != json.npos) {
    rescue.change("left out {} of white space before the header", exact_bytes(spaces));
  }
  using namespace std::string_view_literals;
  const std::size_t after = json.find_last_not_of(" \t\n\r\0"sv) + 1;
  const auto nuls = std::count(json.begin() + static_cast<std::ptrdiff_t>(after), json.end(), '\0');
  if (nuls > 0) {
    std::replace(json.begin() + static_cast<std::ptrdiff_t>(after), json.end(), '\0', ' ');
    rescue.change("made spaces of {} NUL bytes after the header", nuls);
  }
  return json;
}

// Of tensors with one name the last counts, as in the reference. Returns the first name that was repeated.
std::optional<std::string> drop_repeated_names(std::vector<TensorInfo>& tensors, Rescue& rescue) {
  const std::vector<std::size_t> repeated = NameIndex(tensors).repeated(tensors, true);
  if (repeated.empty()) return std::nullopt;
  std::string first = shown(tensors[repeated.front()].name);
  rescue.change("left out {} entries whose names come again later, the first: \"{}\"", repeated.size(), first);
  drop_positions(tensors, repeated);
  return first;
}

// What the walk over the ranges found that is not as it should be.
struct Gaps {
  std::uint64_t holes = 0, hole_bytes = 0, first_hole = 0;
  std::size_t strays = 0;  // tensors without bytes at places where none may be
  std::string first_stray;
  std::uint64_t end = 0;    // of the last tensor that is there whole
  std::uint64_t claim = 0;  // of the last tensor
};

// `tensors`: sorted by range. Moves those that are there whole to the contents, the names of the others to `lost`.
// Throws BrokenRule for ranges that contradict each other or their shapes.
Gaps walk(std::vector<TensorInfo> tensors, std::uint64_t data_bytes, Rescue& rescue) {
  Gaps gaps;
  for (TensorInfo& t : tensors) {
    if (t.end < t.begin)
      broken(Rule::layout, "tensor \"{}\" has data_offsets [{}, {}], which end before they begin", shown(t.name),
             t.begin, t.end);
    check_size(t);
    if (t.bytes() == 0) {
      if (t.begin != gaps.claim && gaps.strays++ == 0) gaps.first_stray = shown(t.name);
    } else if (t.begin < gaps.claim) {
      broken(Rule::layout,
             "tensor \"{}\" overlaps the tensor before it by {}: which of them owns these bytes is unknown",
             shown(t.name), exact_bytes(std::min(t.end, gaps.claim) - t.begin));
    } else {
      if (t.begin > gaps.claim) {
        if (gaps.holes++ == 0) gaps.first_hole = gaps.claim;
        gaps.hole_bytes += t.begin - gaps.claim;
      }
      gaps.claim = t.end;
      if (t.end > data_bytes) {
        rescue.lost.push_back(std::move(t.name));
        continue;
      }
      gaps.end = t.end;
    }
    rescue.contents.tensors.push_back(std::move(t));
  }
  return gaps;
}

void tell_gaps(const Gaps& gaps, std::uint64_t data_bytes, Rescue& rescue) {
  if (gaps.holes > 0)
    rescue.change("left out {} that belong to no tensor, in {} places, the first at byte {} of the data",
                  exact_bytes(gaps.hole_bytes), gaps.holes, gaps.first_hole);
  if (gaps.strays > 0)
    rescue.change("moved {} without bytes from places where none may be, the first: \"{}\"",
                  counted(gaps.strays, "tensor"), gaps.first_stray);
  if (rescue.lost.empty() && data_bytes > gaps.end)
    rescue.change("left out {} after the last tensor", exact_bytes(data_bytes - gaps.end));
}

// A file that is cut off: its whole tensors are kept if the caller agrees and there are any.
void settle_lost(const Gaps& gaps, std::uint64_t data_bytes, bool keep_complete, Rescue& rescue) {
  if (rescue.lost.empty()) return;
  const std::size_t whole = rescue.contents.tensors.size(), all = whole + rescue.lost.size();
  const std::string found = fmt::format(
      "the file is cut off: of {} data only {} are there, and {} of {} tensors are incomplete, the first: \"{}\"",
      human_bytes(gaps.claim), exact_bytes(data_bytes), rescue.lost.size(), all, shown(rescue.lost.front()));
  if (whole == 0) broken(Rule::file_coverage, "{}; none is left", found);
  if (!keep_complete)
    broken(Rule::file_coverage, "{}; fetch it again, or keep only the whole ones (--truncated keep-complete)", found);
  rescue.change("{}; left these out", found);
}

// Programs that map a file want its elements aligned; the writer aligns them.
void tell_unaligned(Rescue& rescue) {
  const std::uint64_t data = kLengthField + rescue.contents.header_bytes;
  std::size_t count = 0;
  const TensorInfo* first = nullptr;
  for (const TensorInfo& t : rescue.contents.tensors) {
    const auto element = static_cast<std::uint64_t>(std::max(bits(t.dtype) / 8, 1));
    if (t.bytes() == 0 || (data + t.begin) % element == 0) continue;
    if (count++ == 0) first = &t;
  }
  if (first)
    rescue.change("aligned {} to their elements, the first: \"{}\", which began at byte {} of the file",
                  counted(count, "tensor"), shown(first->name), data + first->begin);
}

Rescue rescue_broken(const MappedFile& file, const std::filesystem::path& path, const RepairOptions& options) {
  Rescue rescue;
  const std::string json = with_clean_edges(header_of(file, path), rescue);
  Header header = parse_header(json, {.mode = Mode::compat, .limits = {}});
  for (std::string& line : list_accidents(json)) rescue.changes.push_back(std::move(line));
  const std::optional<std::string> repeated = drop_repeated_names(header.tensors, rescue);
  sort_by_offset(header.tensors);
  rescue.contents.header_bytes = json.size();
  rescue.contents.metadata = std::move(header.metadata);
  const std::uint64_t data_bytes = file.bytes().size() - kLengthField - json.size();
  const Gaps gaps = walk(std::move(header.tensors), data_bytes, rescue);
  settle_lost(gaps, data_bytes, options.keep_complete, rescue);
  if (repeated && (gaps.holes > 0 || data_bytes > gaps.end))
    broken(Rule::duplicate_key, "the header names tensor \"{}\" twice, for different bytes: which is meant is unknown",
           *repeated);
  tell_gaps(gaps, data_bytes, rescue);
  tell_unaligned(rescue);
  return rescue;
}

Rescue rescue_file(const MappedFile& file, const std::filesystem::path& path, const RepairOptions& options) {
  std::optional<Contents> contents = sound_contents(file, path);
  if (!contents) return rescue_broken(file, path, options);
  Rescue rescue{.contents = std::move(*contents), .changes = {}, .lost = {}};
  tell_unaligned(rescue);
  if (!rescue.changes.empty())
    for (std::string& line : list_accidents(header_of(file, path))) rescue.changes.push_back(std::move(line));
  return rescue;
}

std::vector<PendingTensor> pending(const Contents& contents, const std::shared_ptr<const MappedFile>& file,
                                   const std::filesystem::path& path) {
  std::vector<PendingTensor> list;
  for (const TensorInfo& info : contents.tensors) {
    const std::uint64_t offset = kLengthField + contents.header_bytes + info.begin;
    Shape shape = shape_of(info);
    list.push_back({info.name, info.dtype, shape, [file, path, offset, dtype = info.dtype, shape] {
                      Tensor t = allocate_passing(dtype, shape);
                      read_fully(file->descriptor(), path, offset, {t.mutable_data(), t.bytes()});
                      return t;
                    }});
  }
  return list;
}

void copy(const MappedFile& file, const std::filesystem::path& from, const std::filesystem::path& to,
          const Context& context) {
  AtomicFile copied(to);
  const std::size_t total = file.bytes().size();
  std::vector<std::byte> piece(std::min<std::size_t>(total, std::size_t{8} << 20));
  for (std::size_t done = 0; done < total; done += piece.size()) {
    context.check_cancelled();
    context.report("write", static_cast<std::int64_t>(done), static_cast<std::int64_t>(total));
    const std::span<std::byte> part(piece.data(), std::min(piece.size(), total - done));
    read_fully(file.descriptor(), from, done, part);
    copied.write(part);
  }
  context.report("write", static_cast<std::int64_t>(total), static_cast<std::int64_t>(total));
  copied.commit();
}

}  // namespace

RepairPlan plan_repair(const std::filesystem::path& in, const RepairOptions& options) {
  try {
    finish_interrupted_edit(in);
    Rescue rescue = rescue_file(*MappedFile::open(in), in, options);
    if (!rescue.changes.empty())
      for (const TensorInfo& info : rescue.contents.tensors) static_cast<void>(shape_of(info));
    return {accepted(), std::move(rescue.changes), std::move(rescue.lost)};
  } catch (const BrokenRule& e) {
    return {refused(e), {}, {}};
  } catch (const OverLimit& e) {
    return {{.valid = false, .rule = "limit", .detail = e.what()}, {}, {}};
  } catch (const Error& e) {
    return {refused(BrokenRule(Rule::io, e.what())), {}, {}};
  }
}

RepairPlan repair(const std::filesystem::path& in, const std::filesystem::path& out, const RepairOptions& options,
                  const Context& context) {
  finish_interrupted_edit(in);
  const std::shared_ptr<const MappedFile> file = MappedFile::open(in);
  try {
    Rescue rescue = rescue_file(*file, in, options);
    if (rescue.changes.empty())
      copy(*file, in, out, context);
    else
      save(out, pending(rescue.contents, file, in), rescue.contents.metadata, {.verify = true}, context);
    return {accepted(), std::move(rescue.changes), std::move(rescue.lost)};
  } catch (const BrokenRule& e) {
    fail(e.category(), "[repair] {} cannot be repaired: {} (rule {})", printable(in.native()), e.what(),
         name(e.rule()));
  }
}

}  // namespace safelight
