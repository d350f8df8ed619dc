#include "format/contents.h"

#include <algorithm>
#include <cassert>
#include <memory>

#include "core/human.h"
#include "core/read_fully.h"
#include "format/diagnose.h"
#include "format/header.h"
#include "format/layout.h"
#include "format/limits.h"
#include "format/name_index.h"
#include "format/rules.h"

namespace safelight {
namespace {

std::uint64_t read_length(std::span<const std::byte> file) noexcept {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < kLengthField; ++i) n |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  return n;
}

// Where the first eight bytes make no sense, says what the file is instead, if its bytes tell.
std::string with_diagnosis(std::string detail, std::span<const std::byte> file) {
  const std::string what = diagnose(file);
  return what.empty() ? detail : fmt::format("{}; it looks like {}", detail, what);
}

// The rules on the file's first bytes, of which `head` has some. Returns N.
std::uint64_t header_length(std::span<const std::byte> head, std::uint64_t file_bytes, const Limits& limits) {
  if (file_bytes < kLengthField)
    throw BrokenRule(
        Rule::header_too_small,
        with_diagnosis(fmt::format("expected at least {} bytes, found {}", kLengthField, file_bytes), head));
  const std::uint64_t n = read_length(head);
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
  auto dropped = repeated.begin();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (dropped != repeated.end() && *dropped == i) {
      ++dropped;
      continue;
    }
    if (kept != i) tensors[kept] = std::move(tensors[i]);
    ++kept;
  }
  tensors.resize(kept);
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

Contents read_contents(const MappedFile& file, const std::filesystem::path& path, const OpenOptions& options) {
  constexpr std::size_t kHead = 4096;  // what a diagnosis may look at
  const std::size_t file_bytes = file.bytes().size();
  std::vector<std::byte> head(std::min(kHead, file_bytes));
  read_fully(file.descriptor(), path, 0, head);
  const std::uint64_t n = header_length(head, file_bytes, options.limits);
  const auto json = std::make_unique_for_overwrite<char[]>(n);
  read_fully(file.descriptor(), path, kLengthField, std::as_writable_bytes(std::span(json.get(), n)));
  return read_rest({json.get(), n}, file_bytes, options);
}

}  // namespace safelight
