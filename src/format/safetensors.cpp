#include "safelight/safetensors.h"

#include <algorithm>

#include "core/fail.h"
#include "core/printable.h"
#include "core/read_fully.h"
#include "format/header.h"
#include "format/limits.h"
#include "format/rules.h"
#include "format/safetensors_state.h"
#include "format/shape_of.h"

namespace safelight {

SafeTensors SafeTensors::parse(std::span<const std::byte> file, Mode mode, std::shared_ptr<const void> owner) {
  return parse(file, OpenOptions{.mode = mode}, std::move(owner));
}

SafeTensors SafeTensors::parse(std::span<const std::byte> file, const OpenOptions& options,
                               std::shared_ptr<const void> owner) {
  try {
    auto state = std::make_shared<State>(file, read_contents(file, options));
    state->owner = std::move(owner);
    return SafeTensors(std::move(state));
  } catch (const BrokenRule& e) {
    fail(e.category(), "[safetensors] {} (rule {})", e.what(), name(e.rule()));
  } catch (const OverLimit& e) {
    fail(e.category(), "[safetensors] {}", e.what());
  }
}

SafeTensors SafeTensors::open(const std::filesystem::path& path, Mode mode) {
  return open(path, OpenOptions{.mode = mode});
}

SafeTensors SafeTensors::open(const std::filesystem::path& path, const OpenOptions& options) {
  try {
    OpenedFile file = open_with_header(path, options.limits);
    auto state = std::make_shared<State>(file.mapping->bytes(), read_contents(file.header, options));
    state->path = path;
    state->mapping = std::move(file.mapping);
    return SafeTensors(std::move(state));
  } catch (const BrokenRule& e) {
    fail(e.category(), "[safetensors] {}: {} (rule {})", printable(path.native()), e.what(), name(e.rule()));
  } catch (const OverLimit& e) {
    fail(e.category(), "[safetensors] {}: {}", printable(path.native()), e.what());
  }
}

std::span<const TensorInfo> SafeTensors::tensors() const noexcept { return state_->contents.tensors; }
const Metadata& SafeTensors::metadata() const noexcept { return state_->contents.metadata; }
std::uint64_t SafeTensors::header_bytes() const noexcept { return state_->contents.header_bytes; }
std::uint64_t SafeTensors::file_bytes() const noexcept { return state_->file.size(); }
const std::filesystem::path& SafeTensors::path() const noexcept { return state_->path; }
int SafeTensors::descriptor() const noexcept { return state_->mapping ? state_->mapping->descriptor() : -1; }

void SafeTensors::read(std::uint64_t offset, std::span<std::byte> to) const {
  if (state_->mapping) {
    read_fully(descriptor(), state_->path, offset, to);
    return;
  }
  if (offset > file_bytes() || to.size() > file_bytes() - offset)
    fail(ErrorCategory::io, "[read] expected {} bytes at offset {}, but the file has {}", to.size(), offset,
         file_bytes());
  std::copy_n(state_->file.begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
}

const TensorInfo* SafeTensors::find(std::string_view name) const noexcept {
  return state_->contents.index.find(state_->contents.tensors, name);
}

const TensorInfo& existing(const SafeTensors& file, std::string_view name) {
  const TensorInfo* info = file.find(name);
  if (!info)
    fail(ErrorCategory::model, "[safetensors] {} has no tensor \"{}\"",
         file.path().empty() ? "the file" : printable(file.path().native()), shown(name));
  return *info;
}

Shape shape_of(const TensorInfo& info) {
  Shape shape;
  shape.reserve(info.shape.size());
  for (const std::uint64_t size : info.shape) {
    if (size > static_cast<std::uint64_t>(INT64_MAX))
      throw OverLimit(
          fmt::format("[safetensors] tensor \"{}\" has a dimension of {}, more than 2^63-1", shown(info.name), size));
    shape.push_back(static_cast<std::int64_t>(size));
  }
  return shape;
}

Tensor SafeTensors::tensor(std::string_view name) const { return tensor(existing(*this, name)); }

Tensor SafeTensors::tensor(const TensorInfo& info) const {
  const std::uint64_t data_bytes = file_bytes() - kLengthField - header_bytes();
  if (info.begin > info.end || info.end > data_bytes)
    fail(ErrorCategory::usage, "[safetensors] tensor \"{}\" is of another file: it has bytes {} to {}, but {} has {}",
         shown(info.name), info.begin, info.end, path().empty() ? "the file" : printable(path().native()), data_bytes);
  const std::byte* data = state_->file.data() + offset(info);
  return {info.dtype, shape_of(info), std::shared_ptr<const std::byte>(state_, data)};
}

}  // namespace safelight
