#include "apps/cli/signals.h"

#include <array>
#include <csignal>

#include "core/mapping_guard.h"

namespace safelight::cli {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};
CancelToken token;  // the one global of the program: a signal handler has no other way to reach anything

void on_signal(int /*number*/) { token.cancel(); }

bool install_handlers() {
  for (const int number : kSignals) {
    struct sigaction action {
    }, old{};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second signal finds the default again
    sigemptyset(&action.sa_mask);
    if (sigaction(number, nullptr, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
  return true;
}

}  // namespace

const CancelToken& cancel_on_signals() {
  [[maybe_unused]] static const bool installed = install_handlers();
  return token;
}

void survive_lost_files() {
  guard_all_mappings([]() noexcept { token.cancel(); });
}

}  // namespace safelight::cli
