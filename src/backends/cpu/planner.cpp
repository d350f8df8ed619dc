// What is kept, for each machine:
//
//   safelight plans 4
//   machine Intel(R) Xeon(R) Processor @ 2.50GHz, avx512, 2 threads
//   product 8192 320 320 1 1 2 0 = 2
//   ...
#include "backends/cpu/planner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

#include "core/cache.h"

namespace safelight::cpu {
namespace {

constexpr std::string_view kKind = "plans";
constexpr int kRounds = 3;            // calls of each way before one is chosen: a machine is seldom disturbed thrice
constexpr double kWorthwhile = 0.97;  // another way than the first must be this much faster

// The ops that plan. A key read from a file refers to these names.
constexpr std::array<std::string_view, 5> kOps{"product", "pairs", "split", "taps", "winograd"};

// To be raised when a way of one of these ops comes to mean another cut, or a key has other sizes: earlier measurements
// say nothing about that.
constexpr int kVersion = 4;

std::string heading(std::string_view machine) {
  return fmt::format("safelight plans {}\nmachine {}\n", kVersion, machine);
}

// Takes what comes before `end`, and `end`, off the front.
std::optional<std::string_view> take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

template <class Integer>
bool parse(std::optional<std::string_view> text, Integer& number) {
  if (!text) return false;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc{} && end == text->data() + text->size();
}

struct Line {
  PlanKey key;
  int way = 0;
};

// "op size ... = way"
std::optional<Line> parse_line(std::string_view text) {
  Line line;
  const auto name = take(text, ' ');
  const auto op = std::ranges::find(kOps, name.value_or(""));
  if (op == kOps.end()) return std::nullopt;
  line.key.op = *op;
  for (std::int64_t& size : line.key.sizes)
    if (!parse(take(text, ' '), size)) return std::nullopt;
  if (take(text, ' ') != "=" || !parse(std::optional(text), line.way) || line.way < 0) return std::nullopt;
  return line;
}

}  // namespace

Planner::Planner(std::string machine, bool measures) : machine_(std::move(machine)), measures_(measures) {
  if (measures_) read();
}

void Planner::read() {
  const std::optional<std::string> kept = read_cache(kKind, machine_);
  if (!kept || !kept->starts_with(heading(machine_))) return;
  std::string_view text = std::string_view(*kept).substr(heading(machine_).size());
  while (const auto next = take(text, '\n'))
    if (const auto line = parse_line(*next)) plans_[line->key] = {.decided = true, .way = line->way};
}

Planner::~Planner() {
  if (!changed_) return;
  std::string text = heading(machine_);
  for (const auto& [key, plan] : plans_)
    if (plan.decided) text += fmt::format("{} {} = {}\n", key.op, fmt::join(key.sizes, " "), plan.way);
  write_cache(kKind, machine_, std::move(text));
}

void Planner::record(Plan& plan, int way, int ways, std::chrono::nanoseconds time) {
  auto& best = plan.best[static_cast<std::size_t>(way)];
  best = plan.trials < ways ? time : std::min(best, time);
  if (++plan.trials < ways * kRounds) return;
  const auto fastest = std::min_element(plan.best.begin(), plan.best.begin() + ways);
  const bool worthwhile =
      static_cast<double>(fastest->count()) < kWorthwhile * static_cast<double>(plan.best[0].count());
  plan.way = worthwhile ? static_cast<int>(fastest - plan.best.begin()) : 0;
  plan.decided = changed_ = true;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (const std::size_t colon = line.find(": "); colon != std::string::npos) return line.substr(colon + 2);
  return "unknown processor";
}

}  // namespace safelight::cpu
