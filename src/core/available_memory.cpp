#include "core/available_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace safelight {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// The number behind `name` in a file of lines "name number".
std::optional<std::uint64_t> field(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  std::string word, rest;
  std::uint64_t number = 0;
  while (file >> word) {
    if (word == name && file >> number) return number;
    std::getline(file, rest);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;
}

std::uint64_t machine() {
  const auto kib = field("/proc/meminfo", "MemAvailable:");
  return kib ? *kib * 1024 : kUnlimited;
}

// In a container the group's own folder is mounted at the root; elsewhere the root has no limit. Only memory of the
// processes counts as used: cached files give way.
std::uint64_t control_group() {
  const auto limit = number("/sys/fs/cgroup/memory.max");
  const auto used = field("/sys/fs/cgroup/memory.stat", "anon");
  return limit && used ? *limit - std::min(*limit, *used) : kUnlimited;
}

std::optional<std::uint64_t> most_addresses() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

std::uint64_t address_space() {
  const std::optional<std::uint64_t> most = most_addresses();
  if (!most) return kUnlimited;
  const std::uint64_t used = number("/proc/self/statm").value_or(0) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return *most - std::min(*most, used);
}

std::uint64_t status(std::string_view name) { return field("/proc/self/status", name).value_or(0) * 1024; }

}  // namespace

std::uint64_t resident_memory() { return status("VmRSS:"); }
std::uint64_t peak_resident_memory() { return status("VmHWM:"); }

bool addresses_are_limited() noexcept { return most_addresses().has_value(); }

std::uint64_t available_memory() { return std::min({machine(), control_group(), address_space()}); }

}  // namespace safelight
