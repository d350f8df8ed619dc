#include "format/contents.h"

#include <algorithm>
#include <cassert>
#include <memory>

#include "core/human.h"
#include "core/little_endian.h"
#include "core/read_fully.h"
#include "format/diagnose.h"
#include "format/edit_journal.h"
#include "format/header.h"
#include "format/layout.h"
#include "format/limits.h"
#include "format/name_index.h"
#include "format/rules.h"

namespace safelight {
namespace {

// Where the first eight bytes make no sense, says what the file is instead, if its bytes tell.
std::string with_diagnosis(std::string detail, std::span<const std::byte> file) {
  std::string what = diagnose(file);
  if (what.empty() && begins_with_text(file)) what = "a text, or a file of another kind that begins like one";
  return what.empty() ? detail : fmt::format("{}; it looks like {}", detail, what);
}

// The rules on the file's first bytes, of which `head` has some. Returns N.
std::uint64_t header_length(std::span<const std::byte> head, std::uint64_t file_bytes, const Limits& limits) {
  if (file_bytes < kLengthField)
    throw BrokenRule(
        Rule::header_too_small,
        with_diagnosis(fmt::format("expected at least {} bytes, found {}", kLengthField, file_bytes), head));
  const std::uint64_t n = little_endian_u64(head.first<kLengthField>());
  if (n > kLongestHeader)
    throw BrokenRule(Rule::header_too_large,
                     with_diagnosis(fmt::format("bytes 0 to 7 claim a header of {}, expected at most {}",
                                                exact_bytes(n), exact_bytes(kLongestHeader)),
                                    head));
  if (n > file_bytes - kLengthField)
    throw BrokenRule(
        Rule::header_length,
        with_diagnosis(fmt::format("bytes 0 to 7 claim a header of {}, but only {} follow: the file is cut off "
                                   "or is not SafeTensors; fetch it again",
                                   exact_bytes(n), exact_bytes(file_bytes - kLengthField)),
                       head));
  check_limit("the header", n, "bytes", limits.header_bytes);
  check_limit("opening the file", n, "bytes of memory to ask for", limits.memory_bytes);
  check_limit("what follows the header", file_bytes - kLengthField - n, "bytes", limits.data_bytes);
  return n;
}

// Of tensors with the same name, strict mode refuses and the reference keeps the last. Says whether any was dropped.
bool resolve_repeated_names(std::vector<TensorInfo>& tensors, const NameIndex& index, Mode mode) {
  const std::vector<std::size_t> repeated = index.repeated(tensors, mode == Mode::compat);
  if (repeated.empty()) return false;
  if (mode == Mode::strict)
    broken(Rule::duplicate_key, "the header names tensor \"{}\" twice", shown(tensors[repeated.front()].name));
  drop_positions(tensors, repeated);
  return true;
}

Contents read_rest(std::string_view json, std::uint64_t file_bytes, const OpenOptions& options) {
  Header header = parse_header(json, options);
  NameIndex index(header.tensors);
  const bool dropped = resolve_repeated_names(header.tensors, index, options.mode);
  const bool moved = sort_by_offset(header.tensors);
  check_layout(header.tensors, file_bytes - kLengthField - json.size());
  if (dropped || moved) index = NameIndex(header.tensors);
  return {json.size(), std::move(header.tensors), std::move(header.metadata), std::move(index)};
}

}  // namespace

Contents read_contents(std::span<const std::byte> file, const OpenOptions& options) {
  return read_contents(file, file.size(), options);
}

Contents read_contents(std::span<const std::byte> head, std::uint64_t file_bytes, const OpenOptions& options) {
  const std::uint64_t n = header_length(head, file_bytes, options.limits);
  assert(n <= head.size() - kLengthField);
  return read_rest({reinterpret_cast<const char*>(head.data()) + kLengthField, n}, file_bytes, options);
}

HeaderText read_header(int file, std::uint64_t file_bytes, const std::filesystem::path& path, const Limits& limits) {
  constexpr std::uint64_t kHead = 4096;  // what a diagnosis may look at
  std::vector<std::byte> head(std::min(kHead, file_bytes));
  read_fully(file, path, 0, head);
  const std::uint64_t n = header_length(head, file_bytes, limits);
  HeaderText header{.file_bytes = file_bytes, .bytes = n, .json = std::make_unique_for_overwrite<char[]>(n)};
  read_fully(file, path, kLengthField, std::as_writable_bytes(std::span(header.json.get(), n)));
  return header;
}

OpenedFile open_with_header(const std::filesystem::path& path, const Limits& limits) {
  const auto open = [&] {
    OpenedFile file{.mapping = MappedFile::open(path), .header = {}};
    file.header = read_header(file.mapping->descriptor(), file.mapping->bytes().size(), path, limits);
    return file;
  };
  finish_interrupted_edit(path);
  OpenedFile file = open();
  // An edit that began meanwhile may have shown half of itself.
  return finish_interrupted_edit(path) ? open() : std::move(file);
}

Contents read_contents(const HeaderText& header, const OpenOptions& options) {
  return read_rest(header.view(), header.file_bytes, options);
}

Contents read_contents(const MappedFile& file, const std::filesystem::path& path, const OpenOptions& options) {
  return read_contents(read_header(file.descriptor(), file.bytes().size(), path, options.limits), options);
}

}  // namespace safelight
