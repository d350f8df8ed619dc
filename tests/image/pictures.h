// Pictures, and files full of them, for the tests of this folder.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/picture.h"
#include "safelight/safetensors.h"

namespace safelight::test {

inline Picture gradient(std::int64_t width, std::int64_t height) {
  Picture picture(width, height);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 7 % 256);
  return picture;
}

// What a lossy format keeps well.
inline Picture waves(std::int64_t width, std::int64_t height) {
  Picture picture(width, height);
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        picture.at(x, y)[c] = static_cast<std::uint8_t>(std::lround(
            128 + 50 * std::sin(0.1 * static_cast<double>(x + 9 * c)) + 50 * std::cos(0.13 * static_cast<double>(y))));
  return picture;
}

inline Picture flat(std::int64_t width, std::int64_t height, std::uint8_t value) {
  Picture picture(width, height);
  picture.rgb.assign(picture.rgb.size(), value);
  return picture;
}

inline std::vector<std::byte> bytes(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

// What tests/golden/pixels.py wrote.
class Goldens {
 public:
  explicit Goldens(const std::string& name)
      : file_(SafeTensors::open(std::string(SAFELIGHT_SOURCE_DIR) + "/tests/data/image/" + name)) {}

  Tensor tensor(const std::string& name) const { return file_.tensor(name); }
  std::span<const std::uint8_t> numbers(const std::string& name) const {
    const Tensor t = tensor(name);
    return {reinterpret_cast<const std::uint8_t*>(t.data()), t.bytes()};  // the file's, which is mapped
  }
  std::span<const std::byte> bytes(const std::string& name) const { return std::as_bytes(numbers(name)); }
  // [h, w, 3]
  Picture picture(const std::string& name) const {
    const Tensor t = tensor(name);
    Picture picture(t.dim(1), t.dim(0));
    const auto values = numbers(name);
    picture.rgb.assign(values.begin(), values.end());
    return picture;
  }
  const SafeTensors& file() const { return file_; }

 private:
  SafeTensors file_;
};

// The largest difference. REQUIRES: as many in both.
inline int largest_difference(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace safelight::test
