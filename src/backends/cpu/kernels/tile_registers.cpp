#include "backends/cpu/kernels/tile_registers.h"

#include <cstdint>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace safelight::cpu {
namespace {

// Linux's ARCH_GET_XCOMP_SUPP, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA.
[[maybe_unused]] constexpr long kGetSupported = 0x1021, kRequestPermission = 0x1023, kTileData = 18;

}  // namespace

bool has_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kBf16 = 1u << 22, kTiles = 1u << 24, kInt8 = 1u << 25, kAll = kBf16 | kTiles | kInt8;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kAll) != kAll) return false;
  constexpr unsigned kRoundsToBf16 = 1u << 5;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || (a & kRoundsToBf16) == 0) return false;
  std::uint64_t features = 0;
  return syscall(SYS_arch_prctl, kGetSupported, &features) == 0 && (features >> kTileData & 1);
#else
  return false;
#endif
}

bool request_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
#else
  return false;
#endif
}

}  // namespace safelight::cpu
