#include "safelight/safetensors.h"

#include <cassert>

#include "core/fail.h"
#include "core/mapped_file.h"
#include "core/printable.h"
#include "format/contents.h"
#include "format/edit_journal.h"
#include "format/header.h"
#include "format/name_index.h"
#include "format/rules.h"

namespace safelight {
struct SafeTensors::State {
  std::filesystem::path path;
  std::shared_ptr<const void> owner;
  std::span<const std::byte> file;
  Contents contents;
  NameIndex index;

  State(std::span<const std::byte> bytes, Mode mode)
      : file(bytes), contents(read_contents(bytes, mode)), index(contents.tensors) {}
};

SafeTensors SafeTensors::parse(std::span<const std::byte> file, Mode mode, std::shared_ptr<const void> owner) {
  try {
    auto state = std::make_shared<State>(file, mode);
    state->owner = std::move(owner);
    return SafeTensors(std::move(state));
  } catch (const BrokenRule& e) {
    fail(e.category(), "[safetensors] {} (rule {})", e.what(), name(e.rule()));
  }
}

SafeTensors SafeTensors::open(const std::filesystem::path& path, Mode mode) {
  finish_interrupted_edit(path);
  auto mapping = MappedFile::open(path);
  try {
    auto state = std::make_shared<State>(mapping->bytes(), mode);
    state->path = path;
    state->owner = std::move(mapping);
    return SafeTensors(std::move(state));
  } catch (const BrokenRule& e) {
    fail(e.category(), "[safetensors] {}: {} (rule {})", printable(path.native()), e.what(), name(e.rule()));
  }
}

std::span<const TensorInfo> SafeTensors::tensors() const noexcept { return state_->contents.tensors; }
const Metadata& SafeTensors::metadata() const noexcept { return state_->contents.metadata; }
std::uint64_t SafeTensors::header_bytes() const noexcept { return state_->contents.header_bytes; }
std::uint64_t SafeTensors::file_bytes() const noexcept { return state_->file.size(); }
const std::filesystem::path& SafeTensors::path() const noexcept { return state_->path; }

const TensorInfo* SafeTensors::find(std::string_view name) const noexcept {
  return state_->index.find(state_->contents.tensors, name);
}

Tensor SafeTensors::tensor(std::string_view name) const {
  const TensorInfo* info = find(name);
  if (!info)
    fail(ErrorCategory::model, "[safetensors] {} has no tensor \"{}\"",
         state_->path.empty() ? "the file" : printable(state_->path.native()), shown(name));
  return tensor(*info);
}

Tensor SafeTensors::tensor(const TensorInfo& info) const {
  Shape shape;
  shape.reserve(info.shape.size());
  for (const std::uint64_t size : info.shape) {
    if (size > static_cast<std::uint64_t>(INT64_MAX))
      fail(ErrorCategory::limit, "[safetensors] tensor \"{}\" has a dimension of {}, more than 2^63-1",
           shown(info.name), size);
    shape.push_back(static_cast<std::int64_t>(size));
  }
  const std::byte* data = state_->file.data() + kLengthField + state_->contents.header_bytes + info.begin;
  assert(data + info.bytes() <= state_->file.data() + state_->file.size());
  return {info.dtype, std::move(shape), std::shared_ptr<const std::byte>(state_, data)};
}

}  // namespace safelight
