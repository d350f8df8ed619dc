#include "core/fresh_memory.h"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

#include "core/fail.h"
#include "core/human.h"
#include "core/round_up.h"

namespace safelight {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kPage = 4096;  // the smallest there is: a larger one only wastes what the system rounds up

// Aligned to a huge page; none if the system has none.
std::shared_ptr<std::byte> map(std::size_t bytes, int protection) {
  const std::size_t size = round_up(bytes, kPage), reserved = size + kHugePage;  // addresses only
  void* const address = ::mmap(nullptr, reserved, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(address);
  const std::size_t skipped = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  if (skipped > 0) ::munmap(begin, skipped);
  std::byte* const data = begin + skipped;
  if (skipped < kHugePage) ::munmap(data + size, kHugePage - skipped);
  if (size >= kHugePage) ::madvise(data, size, MADV_HUGEPAGE);  // advice: it may be refused
  return {data, [size](std::byte* p) { ::munmap(p, size); }};
}

[[noreturn]] void fail_without(std::size_t bytes) {
  fail(ErrorCategory::limit, "[memory] the system has no {} of memory to give", human_bytes(bytes));
}

}  // namespace

std::shared_ptr<std::byte> fresh_memory(std::size_t bytes) {
  std::shared_ptr<std::byte> memory = map(bytes, PROT_READ | PROT_WRITE);
  if (!memory) fail_without(bytes);
  return memory;
}

ReservedMemory::ReservedMemory(std::size_t bytes) : data_(map(bytes, PROT_NONE)), size_(round_up(bytes, kPage)) {
  if (!data_) fail_without(bytes);
}

void release_freed_memory() noexcept {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

void ReservedMemory::commit(std::size_t bytes) {
  if (bytes <= committed_) return;
  const std::size_t wanted = std::min(round_up(bytes, kHugePage), size_);  // whole huge pages, or there are none
  if (::mprotect(data_.get() + committed_, wanted - committed_, PROT_READ | PROT_WRITE) != 0)
    fail_without(bytes - committed_);
  committed_ = wanted;
}

void ReservedMemory::release(std::size_t begin, std::size_t end) noexcept {
  end = std::min(end, committed_);
  if (begin < end) ::madvise(data_.get() + begin, end - begin, MADV_DONTNEED);
}

}  // namespace safelight
