#include "format/read_strategy.h"

#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/fail.h"
#include "core/human.h"
#include "core/thread_pool.h"
#include "format/safetensors_state.h"

namespace safelight {
namespace {

enum class Medium { memory, local, network };

// The kernel's numbers of the file systems that are not a disk of this machine (statfs(2)).
struct FileSystem {
  std::uint32_t magic;
  Medium medium;
  const char* name;
};
constexpr std::array kFileSystems = {
    FileSystem{0x01021994, Medium::memory, "tmpfs"},     FileSystem{0x858458F6, Medium::memory, "ramfs"},
    FileSystem{0x958458F6, Medium::memory, "hugetlbfs"}, FileSystem{0x6969, Medium::network, "NFS"},
    FileSystem{0xFF534D42, Medium::network, "CIFS"},     FileSystem{0xFE534D42, Medium::network, "SMB"},
    FileSystem{0x65735546, Medium::network, "FUSE"},     FileSystem{0x01021997, Medium::network, "9P"},
    FileSystem{0x00C36400, Medium::network, "Ceph"},     FileSystem{0x0BD00BD0, Medium::network, "Lustre"},
    FileSystem{0x47504653, Medium::network, "GPFS"},     FileSystem{0x5346414F, Medium::network, "AFS"},
};

FileSystem file_system_of(int fd) {
  struct statfs status {};
  if (::fstatfs(fd, &status) != 0) return {0, Medium::local, "unknown"};
  const auto magic = static_cast<std::uint32_t>(status.f_type);
  const auto row = std::find_if(kFileSystems.begin(), kFileSystems.end(),
                                [&](const FileSystem& known) { return known.magic == magic; });
  return row != kFileSystems.end() ? *row : FileSystem{magic, Medium::local, "local"};
}

// The share of the pages between two offsets that are in the page cache, by asking for some of them. For a file that
// we may not write to, Linux says 1 whatever is true.
double cached_share(std::span<const std::byte> mapping, std::uint64_t begin, std::uint64_t end) {
  constexpr std::uint64_t kSamples = 512;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t first = begin / page, pages = (end + page - 1) / page - first;
  const std::uint64_t samples = std::min(kSamples, pages);
  std::uint64_t cached = 0;
  for (std::uint64_t i = 0; i < samples; ++i) {
    const std::uint64_t at = (first + i * pages / samples) * page;
    unsigned char resident = 0;
    if (::mincore(const_cast<std::byte*>(mapping.data()) + at, 1, &resident) == 0) cached += resident & 1u;
  }
  return samples == 0 ? 1 : static_cast<double>(cached) / static_cast<double>(samples);
}

// Where reading means waiting, more threads than cores keep more of it under way; a disk serves about 8 at full speed.
int waiting_threads() { return std::max(available_cores(), 8); }

ReadChoice by_looking(const SafeTensors& file, std::span<const ReadRequest> requests, std::uint64_t bytes) {
  // Below this a disk is done before it is worth to leave nothing in the page cache for the next reader.
  constexpr std::uint64_t kSmall = std::uint64_t{64} << 20;
  const FileSystem fs = file_system_of(file.descriptor());
  if (fs.medium == Medium::memory)
    return {ReadStrategy::parallel, fmt::format("{} is memory", fs.name), available_cores()};
  std::uint64_t begin = file.file_bytes(), end = 0;
  for (const ReadRequest& request : requests) {
    if (request.copy.empty) continue;
    begin = std::min(begin, request.first());
    end = std::max(end, request.first() + request.copy.row.extent());
  }
  const double cached = begin < end ? cached_share(FormatAccess::state(file).file, begin, end) : 1;
  std::string reason = fmt::format("{:.0f}% of it is in the page cache", cached * 100);
  if (cached >= 0.5) return {ReadStrategy::parallel, std::move(reason), available_cores()};
  if (fs.medium == Medium::network)
    return {ReadStrategy::parallel, fmt::format("{}, and {} is a network", reason, fs.name), waiting_threads()};
  if (bytes < kSmall)
    return {ReadStrategy::parallel, fmt::format("{}, and {} is little", reason, human_bytes(bytes)), waiting_threads()};
  return {ReadStrategy::direct, std::move(reason), waiting_threads()};
}

}  // namespace

std::string_view name(ReadStrategy strategy) noexcept {
  switch (strategy) {
    case ReadStrategy::automatic:
      return "automatic";
    case ReadStrategy::map:
      return "map";
    case ReadStrategy::parallel:
      return "parallel";
    case ReadStrategy::direct:
      return "direct";
  }
  return "unknown";
}

ReadChoice choose_strategy(const SafeTensors& file, std::span<const ReadRequest> requests, std::uint64_t bytes,
                           ReadStrategy wanted) {
  if (file.descriptor() < 0) return {ReadStrategy::map, "its bytes are in memory", available_cores()};
  if (wanted == ReadStrategy::automatic) return by_looking(file, requests, bytes);
  return {wanted, "asked for", wanted == ReadStrategy::direct ? waiting_threads() : available_cores()};
}

}  // namespace safelight
