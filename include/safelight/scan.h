// What loading a pickle would do: every import and every call, found out without executing anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "safelight/context.h"

namespace safelight {

enum class ScanVerdict {
  clean,       // nothing but the names that rebuild tensors and plain containers
  suspicious,  // names that are not known, or something that hides what would happen
  dangerous,   // names that run programs, code or other pickles
};

std::string_view name(ScanVerdict verdict) noexcept;

// One kind of thing that would happen, however often.
struct ScanFinding {
  ScanVerdict verdict = ScanVerdict::clean;
  std::string opcode{};      // "GLOBAL", "REDUCE", ...; empty for a remark on the file itself
  std::string name{};        // "os.system", or what the remark is about
  std::string why{};         // of a verdict that is not clean
  std::string arguments{};   // of the first call, cut short and printable
  std::string member{};      // the entry of a zip archive; empty for the file itself
  std::uint64_t offset = 0;  // of the first opcode, in the file or in the uncompressed member
  std::uint64_t count = 1;
};

struct ScanReport {
  ScanVerdict verdict = ScanVerdict::clean;  // the worst of the findings
  std::string kind;                          // "a pickle", "a zip archive", "SafeTensors", ...
  std::uint64_t pickles = 0;                 // that were looked at
  std::vector<ScanFinding> findings;         // the worst first, then in the order of the file
};

// Looks into pickles, PyTorch's zip and legacy files, .npy and .npz files with objects, and zip archives with any of
// these, and at what follows the end of a pickle. Archives inside archives are not opened but told. Memory and time are
// bounded by the file's size and fixed limits. Throws Error(io) if the file cannot be read, Error(cancelled); a file
// that is broken gets a finding, not an exception.
ScanReport scan(const std::filesystem::path& path, const Context& context = {});

}  // namespace safelight
