// Reading little-endian fields one after another out of bytes that are not trusted.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/fail.h"

namespace safelight::foreign {

inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The machines this builds for are little-endian, as are the fields.
template <class T>
T load(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Every member that takes bytes throws Error(format) with `who` and the offset if there are too few.
class ByteCursor {
 public:
  // `bytes` must outlive the cursor and what it hands out.
  ByteCursor(std::span<const std::byte> bytes, std::string_view who, std::size_t position = 0)
      : bytes_(bytes), who_(who), position_(position) {}

  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  bool at_end() const noexcept { return remaining() == 0; }

  std::span<const std::byte> take(std::uint64_t count) {
    if (count > remaining())
      fail(ErrorCategory::format, "[{}] expected {} bytes at byte {}, but only {} are left", who_, count, position_,
           remaining());
    const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += taken.size();
    return taken;
  }

  std::string_view take_text(std::uint64_t count) { return as_text(take(count)); }

  template <class T>
  T read() {
    return load<T>(take(sizeof(T)).data());
  }

  // Up to the next '\n', which is taken too but not part of the result.
  std::string_view take_line() {
    const std::string_view rest = as_text(bytes_.subspan(position_));
    const std::size_t length = rest.find('\n');
    if (length == std::string_view::npos)
      fail(ErrorCategory::format, "[{}] expected a line at byte {}, but it has no end", who_, position_);
    position_ += length + 1;
    return rest.substr(0, length);
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view who_;
  std::size_t position_;
};

}  // namespace safelight::foreign
