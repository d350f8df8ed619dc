#include "apps/cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/fail.h"
#include "core/printable.h"

namespace safelight::cli {

DType given_dtype(std::string_view option, const std::string& text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const auto dtype = parse_dtype(upper);
  if (!dtype) fail(ErrorCategory::usage, "[{}] expected a type such as F16, found {}", option, printable(text));
  return *dtype;
}

WeightedFile given_weight(std::string_view option, const std::string& text, double otherwise) {
  const std::size_t at = text.rfind('=');
  if (at == std::string::npos) {
    if (std::isnan(otherwise))
      fail(ErrorCategory::usage, "[{}] expected FILE=WEIGHT, found {}", option, printable(text));
    return {text, otherwise};
  }
  double weight = 0;
  const auto [end, error] = std::from_chars(text.data() + at + 1, text.data() + text.size(), weight);
  if (error != std::errc{} || end != text.data() + text.size())
    fail(ErrorCategory::usage, "[{}] expected a number behind the = of {}", option, printable(text));
  return {text.substr(0, at), weight};
}

void add_threads_option(Command command, int& threads) {
  constexpr int kMost = 1024;
  command.add_option("--threads", threads, "Threads; without it, all cores. More than there are take far longer")
      .between(1, kMost);
}

std::string json_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

}  // namespace safelight::cli
