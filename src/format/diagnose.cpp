#include "format/diagnose.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace safelight {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view begins_with;
  std::string_view what;
};

constexpr std::array kSignatures = {
    Signature{"version https://git-lfs"sv, "a Git LFS pointer: the file that it stands for was not downloaded"sv},
    Signature{"PK\x03\x04"sv, "a zip archive, as PyTorch checkpoints (.pt, .ckpt) are"sv},
    Signature{"\x80\x02"sv, "a Python pickle, as old PyTorch checkpoints are"sv},
    Signature{"\x80\x03"sv, "a Python pickle"sv},
    Signature{"\x80\x04\x95"sv, "a Python pickle"sv},
    Signature{"\x80\x05\x95"sv, "a Python pickle"sv},
    Signature{"GGUF"sv, "a GGUF model"sv},
    Signature{"ggjt"sv, "a GGML model"sv},
    Signature{"\x1F\x8B"sv, "a gzip archive"sv},
    Signature{"\x28\xB5\x2F\xFD"sv, "a Zstandard archive"sv},
    Signature{"\xFD"
              "7zXZ\0"sv,
              "an xz archive"sv},
    Signature{"7z\xBC\xAF\x27\x1C"sv, "a 7-Zip archive"sv},
    Signature{"Rar!\x1A\x07"sv, "a RAR archive"sv},
    Signature{"\x89HDF\r\n\x1A\n"sv, "an HDF5 file"sv},
    Signature{"\x93NUMPY"sv, "a NumPy array"sv},
    Signature{"\x89PNG\r\n\x1A\n"sv, "a PNG picture"sv},
    Signature{"\xFF\xD8\xFF"sv, "a JPEG picture"sv},
    Signature{"\x7F"
              "ELF"sv,
              "an executable"sv},
    Signature{"%PDF-"sv, "a PDF document"sv},
};

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

bool begins_with_json(std::string_view text) { return text.starts_with("{\"") || text.starts_with("{\n"); }

}  // namespace

std::string_view diagnose(std::span<const std::byte> file) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), std::min<std::size_t>(file.size(), 256));
  if (text.empty()) return "an empty file";
  for (const Signature& signature : kSignatures)
    if (text.starts_with(signature.begins_with)) return signature.what;
  if (begins_with_html(text)) return "a web page: the download gave an error page or asked to log in";
  if (begins_with_json(text)) return "a JSON text without the length field before it";
  return {};
}

}  // namespace safelight
