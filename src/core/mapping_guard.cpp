#include "core/mapping_guard.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>

#include "core/fail.h"
#include "core/printable.h"

namespace safelight {
namespace {

// A row of the table that the handler looks an address up in. A handler may run while another thread changes other
// rows: `begin` is written last and cleared first, and the handler reads it before and after `end`.
struct Slot {
  std::atomic<std::uintptr_t> begin{0}, end{0};  // begin = 0: free
  std::atomic<const WatchedMapping*> mapping{nullptr};
};

// The handler may not allocate. Far more files than a process may usually have open (1024).
std::array<Slot, 4096> slots;
std::atomic<int> used_slots{0};  // no row from here on was ever used
std::mutex mutex;                // for all but the handler

int guards = 0;  // that want the handler installed
struct sigaction previous_action {};
bool in_chain = false;  // ours was left behind another's, which may call it
std::atomic<bool> guard_all{false};
std::atomic<void (*)() noexcept> loss_callback{nullptr};

// The first loss of guard_all_mappings(), kept because the mapping may be closed before anybody asks.
std::array<char, 1024> lost_path;
std::atomic<std::uint64_t> lost_offset;
enum class Loss { none, being_told, told };
std::atomic<Loss> loss{Loss::none};

std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

[[noreturn]] void fail_lost(std::string_view path, std::uint64_t offset) {
  fail(ErrorCategory::io,
       "[file] {} lost its bytes from offset {} on while it was read: it was shortened, or its disk "
       "fails",
       printable(path), offset);
}

}  // namespace

// What the handler does. Everything here is safe in a signal handler.
struct MappingTable {
  static const WatchedMapping* find(std::uintptr_t at) noexcept {
    for (int i = 0; i < used_slots.load(); ++i) {
      const Slot& slot = slots[static_cast<std::size_t>(i)];
      const std::uintptr_t begin = slot.begin.load(), end = slot.end.load();
      const WatchedMapping* mapping = slot.mapping.load();
      if (begin != 0 && begin <= at && at < end && slot.begin.load() == begin) return mapping;
    }
    return nullptr;
  }

  // From the page of the address to the end of the mapping: the bytes after a lost one are lost as well.
  static bool put_zeros(const WatchedMapping& mapping, std::uintptr_t at) noexcept {
    const std::uintptr_t page = at / page_size * page_size;
    const std::uintptr_t end = address(mapping.bytes_.data()) + mapping.bytes_.size();
    if (::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
        MAP_FAILED)
      return false;
    const std::uint64_t offset = page - address(mapping.bytes_.data());
    std::uint64_t known = mapping.lost_.load();
    while (offset < known && !mapping.lost_.compare_exchange_weak(known, offset)) {
    }
    return true;
  }

  static void tell_all(const WatchedMapping& mapping) noexcept {
    Loss none = Loss::none;
    if (loss.compare_exchange_strong(none, Loss::being_told)) {
      std::strncpy(lost_path.data(), mapping.path_.c_str(), lost_path.size() - 1);
      lost_offset = mapping.lost_.load();
      loss = Loss::told;
    }
    if (void (*const call)() noexcept = loss_callback.load()) call();
  }

  static void on_signal(int number, siginfo_t* info, void* context) noexcept {
    const int error = errno;
    const std::uintptr_t at = address(info->si_addr);
    const WatchedMapping* mapping = find(at);
    const bool guarded = mapping && (guard_all || mapping->guards_ > 0);
    if (!guarded || !put_zeros(*mapping, at)) {
      pass_on(number, info, context);
    } else if (guard_all) {
      tell_all(*mapping);
    }
    errno = error;
  }

  // To who was there before us; by default the access is repeated and ends the process.
  static void pass_on(int number, siginfo_t* info, void* context) noexcept {
    if (previous_action.sa_flags & SA_SIGINFO)
      previous_action.sa_sigaction(number, info, context);
    else if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN)
      previous_action.sa_handler(number);
    else
      ::signal(number, SIG_DFL);
  }

  static bool is_ours(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_signal;
  }
  static bool is_default(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) == 0 && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
  }

  // Not in front of a handler that has ours behind it: what neither wants, they would pass to each other for ever.
  static void install() {  // REQUIRES: the mutex
    if (guards++ > 0) return;
    struct sigaction now {};
    if (in_chain && ::sigaction(SIGBUS, nullptr, &now) == 0 && !is_default(now)) return;
    in_chain = false;
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (::sigaction(SIGBUS, &action, &previous_action) != 0)
      fail(ErrorCategory::io, "[guard] cannot handle SIGBUS: {}", std::strerror(errno));
  }

  // Unless somebody installed another handler after us, who may call ours.
  static void uninstall() noexcept {  // REQUIRES: the mutex
    if (--guards > 0) return;
    struct sigaction now {};
    if (::sigaction(SIGBUS, nullptr, &now) != 0) return;
    in_chain = !is_ours(now);
    if (!in_chain) ::sigaction(SIGBUS, &previous_action, nullptr);
  }

  static int take_slot(const WatchedMapping& mapping) {
    const std::lock_guard lock(mutex);
    const auto free = std::find_if(slots.begin(), slots.end(), [](const Slot& slot) { return slot.begin == 0; });
    if (free == slots.end() || mapping.bytes_.empty()) return -1;
    const int slot = static_cast<int>(free - slots.begin());
    free->mapping = &mapping;
    free->end = address(mapping.bytes_.data()) + mapping.bytes_.size();
    free->begin = address(mapping.bytes_.data());
    used_slots = std::max(used_slots.load(), slot + 1);
    return slot;
  }

  static void give_slot_back(int slot) noexcept {
    const std::lock_guard lock(mutex);
    if (slot >= 0) slots[static_cast<std::size_t>(slot)].begin = 0;
  }

  static void check_open_ones() {
    const std::lock_guard lock(mutex);
    for (int i = 0; i < used_slots; ++i)
      if (const Slot& slot = slots[static_cast<std::size_t>(i)]; slot.begin != 0) slot.mapping.load()->check();
  }

  static const std::uintptr_t page_size;
};

const std::uintptr_t MappingTable::page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));

WatchedMapping::WatchedMapping(std::filesystem::path path, int fd, std::span<const std::byte> bytes)
    : path_(std::move(path)), fd_(fd), bytes_(bytes), slot_(MappingTable::take_slot(*this)) {}

WatchedMapping::~WatchedMapping() { MappingTable::give_slot_back(slot_); }

void WatchedMapping::guard() const {
  if (bytes_.empty()) return;
  if (slot_ < 0)
    fail(ErrorCategory::limit, "[guard] {} cannot be guarded: more than {} files are mapped", printable(path_.native()),
         slots.size());
  const std::lock_guard lock(mutex);
  MappingTable::install();
  ++guards_;
}

void WatchedMapping::unguard() const noexcept {
  if (bytes_.empty()) return;
  const std::lock_guard lock(mutex);
  --guards_;
  MappingTable::uninstall();
}

// A file may lose bytes unnoticed: the rest of its last page reads as zeros.
void WatchedMapping::check() const {
  if (const std::uint64_t offset = lost_; offset != kIntact) fail_lost(path_.native(), offset);
  struct stat status {};
  if (::fstat(fd_, &status) != 0)
    fail(ErrorCategory::io, "[file] cannot examine {}: {}", printable(path_.native()), std::strerror(errno));
  if (static_cast<std::uint64_t>(status.st_size) < bytes_.size())
    fail_lost(path_.native(), static_cast<std::uint64_t>(status.st_size));
}

void guard_all_mappings(void (*on_loss)() noexcept) {
  const std::lock_guard lock(mutex);
  loss_callback = on_loss;
  if (!guard_all.exchange(true)) MappingTable::install();
}

void check_all_mappings() {
  if (!guard_all) return;
  if (loss == Loss::told) fail_lost(lost_path.data(), lost_offset);
  MappingTable::check_open_ones();
}

}  // namespace safelight
