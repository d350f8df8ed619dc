// Which of several ways to cut an op into tasks is fastest on this machine, found in the course of the work: the first
// calls with some sizes try one way after the other, then the fastest is kept, also for later runs. Every way gives the
// same bits, so what is measured, when, and beside what else changes nothing but time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

namespace safelight::cpu {

// An op and the sizes on which its speed depends.
struct PlanKey {
  std::string_view op;                     // one word, a literal
  std::array<std::int64_t, 7> sizes = {};  // unused ones stay 0

  bool operator<(const PlanKey& other) const { return std::tie(op, sizes) < std::tie(other.op, other.sizes); }
};

class Planner {
 public:
  // `machine`: what decisions depend on besides the key: processor, instruction set, threads. If `measures` is false,
  // nothing is tried, read or kept: way 0 is always taken.
  Planner(std::string machine, bool measures);
  ~Planner();  // keeps what was decided
  Planner(const Planner&) = delete;
  Planner& operator=(const Planner&) = delete;

  // Calls body(way), 0 <= way < ways. Way 0 is the one to take unmeasured. REQUIRES: ways is the same for a key always.
  template <class Body>
  void run(const PlanKey& key, int ways, Body&& body) {
    if (!measures_ || ways == 1) return body(0);
    Plan& plan = plans_[key];
    if (plan.decided) return body(plan.way < ways ? plan.way : 0);
    const int way = plan.trials % ways;
    const auto begin = std::chrono::steady_clock::now();
    body(way);
    record(plan, way, ways, std::chrono::steady_clock::now() - begin);
  }

  // For a rehearsal, which must know the most that a run may take: calls body with every way that a run may choose.
  template <class Body>
  void rehearse(int ways, Body&& body) {
    for (int way = 0; way < (measures_ ? ways : 1); ++way) body(way);
  }

 private:
  static constexpr int kMostWays = 8;
  struct Plan {
    bool decided = false;
    int way = 0, trials = 0;
    std::array<std::chrono::nanoseconds, kMostWays> best = {};  // of each way
  };

  void record(Plan& plan, int way, int ways, std::chrono::nanoseconds time);
  void read();

  const std::string machine_;
  const bool measures_;
  bool changed_ = false;
  std::map<PlanKey, Plan> plans_;
};

// The processor as it calls itself, or "unknown processor".
std::string processor_name();

}  // namespace safelight::cpu
