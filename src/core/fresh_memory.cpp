#include "core/fresh_memory.h"

#include <sys/mman.h>

#include <cstdint>

#include "core/fail.h"
#include "core/human.h"

namespace safelight {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kPage = 4096;  // the smallest there is: a larger one only wastes what the system rounds up

}  // namespace

std::shared_ptr<std::byte> fresh_memory(std::size_t bytes) {
  const std::size_t size = (bytes + kPage - 1) / kPage * kPage;
  const std::size_t reserved = size + kHugePage;  // addresses only
  void* const address = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED)
    fail(ErrorCategory::limit, "[memory] the system has no {} of memory to give", human_bytes(bytes));
  auto* const begin = static_cast<std::byte*>(address);
  const std::size_t skipped = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  if (skipped > 0) ::munmap(begin, skipped);
  std::byte* const data = begin + skipped;
  if (skipped < kHugePage) ::munmap(data + size, kHugePage - skipped);
  if (size >= kHugePage) ::madvise(data, size, MADV_HUGEPAGE);  // advice: it may be refused
  return {data, [size](std::byte* p) { ::munmap(p, size); }};
}

}  // namespace safelight
