#include "failing_memory.h"

#include <cstdlib>
#include <new>

namespace {

thread_local bool armed = false, refused = false;
thread_local int left = 0;

void* allocate_or_null(std::size_t bytes, std::size_t alignment) noexcept {
  if (armed && left-- <= 0) {
    refused = true;
    return nullptr;
  }
  void* memory = nullptr;
  return ::posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (void* memory = allocate_or_null(bytes, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// These replace the ones of the whole process, shared libraries included.
void* operator new(std::size_t bytes) { return allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate_or_null(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace safelight::test {

FailingMemory::FailingMemory(int at) noexcept {
  left = at;
  refused = false;
  armed = true;
}
FailingMemory::~FailingMemory() { armed = false; }
bool FailingMemory::failed() const noexcept { return refused; }

}  // namespace safelight::test
