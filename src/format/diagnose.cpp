#include "format/diagnose.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

#include "core/human.h"

namespace safelight {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kLookedAt = 1024;  // bytes

struct Signature {
  std::string_view begins_with;
  std::string_view what;
};

constexpr std::string_view kConvert = "; 'safelight convert' makes SafeTensors of it without running what is in it";

constexpr std::array kPickles = {
    Signature{"PK\x03\x04"sv, "a zip archive, as PyTorch checkpoints (.pt, .ckpt) are"sv},
    Signature{"\x80\x02"sv, "a Python pickle, as old PyTorch checkpoints are"sv},
    Signature{"\x80\x03"sv, "a Python pickle"sv},
    Signature{"\x80\x04\x95"sv, "a Python pickle"sv},
    Signature{"\x80\x05\x95"sv, "a Python pickle"sv},
};

constexpr std::array kOthers = {
    Signature{"GGUF"sv, "a GGUF model; 'safelight convert' makes SafeTensors of it"sv},
    Signature{"\x93NUMPY"sv, "a NumPy array; 'safelight convert' makes SafeTensors of it"sv},
    Signature{"ggjt"sv, "a GGML model"sv},
    Signature{"\x1F\x8B"sv, "a gzip archive; unpack it with gunzip"sv},
    Signature{"\x28\xB5\x2F\xFD"sv, "a Zstandard archive; unpack it with zstd -d"sv},
    Signature{"\xFD"
              "7zXZ\0"sv,
              "an xz archive; unpack it with unxz"sv},
    Signature{"7z\xBC\xAF\x27\x1C"sv, "a 7-Zip archive; unpack it"sv},
    Signature{"Rar!\x1A\x07"sv, "a RAR archive; unpack it"sv},
    Signature{"\x89HDF\r\n\x1A\n"sv, "an HDF5 file"sv},
    Signature{"\x89PNG\r\n\x1A\n"sv, "a PNG picture"sv},
    Signature{"\xFF\xD8\xFF"sv, "a JPEG picture"sv},
    Signature{"\x7F"
              "ELF"sv,
              "an executable"sv},
    Signature{"%PDF-"sv, "a PDF document"sv},
};

template <std::size_t N>
std::string_view matching(const std::array<Signature, N>& signatures, std::string_view text) {
  for (const Signature& signature : signatures)
    if (text.starts_with(signature.begins_with)) return signature.what;
  return {};
}

// The line "size 2132625612" of a Git LFS pointer.
std::optional<std::uint64_t> pointed_size(std::string_view pointer) {
  constexpr std::string_view kField = "\nsize ";
  const std::size_t at = pointer.find(kField);
  std::uint64_t size = 0;
  if (at == std::string_view::npos) return std::nullopt;
  const char* digits = pointer.data() + at + kField.size();
  return std::from_chars(digits, pointer.data() + pointer.size(), size).ec == std::errc() ? std::optional(size)
                                                                                          : std::nullopt;
}

std::string git_lfs_pointer(std::string_view text) {
  const std::optional<std::uint64_t> size = pointed_size(text);
  return "a Git LFS pointer: the file that it stands for" + (size ? " (" + human_bytes(*size) + ")" : "") +
         " was not downloaded; run 'git lfs pull' in its repository";
}

bool begins_with_html(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return false;
  text.remove_prefix(first);
  const auto begins = [&](std::string_view tag) {
    return text.size() >= tag.size() && std::equal(tag.begin(), tag.end(), text.begin(), [](char a, char b) {
             return a == std::tolower(static_cast<unsigned char>(b));
           });
  };
  return begins("<!doctype") || begins("<html") || begins("<head") || begins("<?xml");
}

bool begins_with_json(std::string_view text) {
  return text.starts_with("{\"") || text.starts_with("{\n") || text.starts_with("{ ");
}

// The length field, were it written with its most significant byte first.
bool big_endian_length(std::string_view text) {
  return text.size() > 8 && text.substr(0, 4) == "\0\0\0\0"sv && text[8] == '{';
}

}  // namespace

std::string diagnose(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), std::min(file.size(), kLookedAt));
  if (text.empty()) return "an empty file: a download that failed? fetch it again";
  if (text.starts_with("version https://git-lfs")) return git_lfs_pointer(text);
  if (const std::string_view pickle = matching(kPickles, text); !pickle.empty())
    return std::string(pickle).append(kConvert);
  if (const std::string_view other = matching(kOthers, text); !other.empty()) return std::string(other);
  if (begins_with_html(text))
    return "a web page: the download gave an error page or asked to log in; fetch the file again";
  if (begins_with_json(text) && text.find("\"weight_map\"") != std::string_view::npos)
    return "the index of a model in several files, not one of them";
  if (begins_with_json(text)) return "a JSON text without the length field before it";
  if (big_endian_length(text))
    return "a SafeTensors file whose length field was written big-endian by a faulty program";
  return {};
}

bool begins_with_text(std::span<const std::byte> file) {
  constexpr std::size_t kLooked = 8;
  return !file.empty() && std::ranges::all_of(file.first(std::min(file.size(), kLooked)), [](std::byte b) {
    const char c = static_cast<char>(b);
    return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace safelight
