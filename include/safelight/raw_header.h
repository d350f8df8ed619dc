// The header as it stands in a file, sound or not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace safelight {

struct RawHeader {
  std::uint64_t file_bytes = 0;
  std::uint64_t header_bytes = 0;  // N, as bytes 0 to 7 claim; 0 if the file has fewer
  std::string text;                // what the file has of its bytes [8, 8+N); empty if N is beyond the format's limit
  std::uint64_t padding = 0;       // white space and NULs at the end of the text
  std::uint64_t data_begin = 0;    // 8 + N, or where the file ends if that is less
  std::uint64_t alignment = 0;     // of data_begin: the largest power of two up to 4096 that divides it; 0 without data
};

// Finishes an edit that was interrupted first, as every reader does. Throws Error(io). Whatever is wrong with the
// header is no error: check() tells it.
RawHeader read_raw_header(const std::filesystem::path& path);

// A header laid out for people: one line for each tensor and each metadata key, spaces after colons and commas. Text
// that is not JSON is laid out as far as it resembles it; characters that could disturb a terminal become escapes.
std::string pretty_header(std::string_view text);

}  // namespace safelight
