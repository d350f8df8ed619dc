#include "format/foreign/pickle_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/printable.h"
#include "format/foreign/scan_names.h"

namespace safelight::foreign {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kUnresolvable = "(unresolvable)";
constexpr std::size_t kLongestText = 80, kMostItems = 4, kLongestArguments = 200;
constexpr int kDeepest = 2;

std::string describe(const PickleRun& run, Ref ref, int depth);

std::string describe_items(const PickleRun& run, const PickleValue& value, int depth) {
  std::string text;
  for (std::size_t i = 0; i < std::min(value.items.size(), kMostItems); ++i) {
    if (i > 0) text += ", ";
    text += describe(run, value.items[i], depth + 1);
  }
  return value.items.size() > kMostItems ? text + ", ..." : text;
}

// The value about as Python would print it.
std::string describe(const PickleRun& run, Ref ref, int depth) {
  const PickleValue& value = run[ref];
  if (depth > kDeepest) return "...";
  switch (value.kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return value.number ? "True" : "False";
    case Kind::integer:
      return std::to_string(value.number);
    case Kind::real:
      return fmt::format("{}", value.real);
    case Kind::text:
      return '\'' + printable(value.text, kLongestText) + '\'';
    case Kind::bytes:
      return "b'" + printable(value.text, kLongestText) + '\'';
    case Kind::tuple:
      return '(' + describe_items(run, value, depth) + ')';
    case Kind::list:
    case Kind::set:
      return '[' + describe_items(run, value, depth) + ']';
    case Kind::dict:
      return value.items.empty() ? "{}" : "{...}";
    case Kind::global: {
      const std::string name = global_name(run, ref);
      return name.empty() ? std::string(kUnresolvable) : printable(name, kLongestText);
    }
    case Kind::object: {
      const std::string name = global_name(run, value.callable);
      return (name.empty() ? std::string(kUnresolvable) : printable(name, kLongestText)) + "(...)";
    }
    default:
      return "...";
  }
}

ActionSummary judge_global(const PickleRun& run, Ref ref) { return summarise_import(global_name(run, ref)); }

// The target of a call, or of BUILD.
ActionSummary judge_target(const PickleRun& run, const PickleAction& action) {
  const PickleValue& target = run[action.target];
  if (target.kind == Kind::global && action.opcode != Opcode::BUILD) return judge_global(run, action.target);
  if (target.kind == Kind::global) {
    ActionSummary summary = judge_global(run, action.target);
    summary.verdict = std::max(summary.verdict, ScanVerdict::suspicious);
    summary.why = "changes what was imported";
    return summary;
  }
  if (target.kind == Kind::object) {
    ActionSummary summary = judge_global(run, target.callable);
    if (action.opcode == Opcode::BUILD) return summary;  // the object takes its state
    summary.verdict = std::max(summary.verdict, ScanVerdict::suspicious);
    summary.name = "what " + summary.name + " returns";
    summary.why = "calls what another call has returned";
    return summary;
  }
  return {ScanVerdict::suspicious, std::string(kUnresolvable), "calls or changes a value that is no function", {}};
}

// Cuts between two characters.
void shorten(std::string& text) {
  if (text.size() <= kLongestArguments) return;
  std::size_t length = kLongestArguments;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  text.replace(length, std::string::npos, "...");
}

bool is_import(Opcode opcode) {
  return opcode == Opcode::GLOBAL || opcode == Opcode::STACK_GLOBAL || opcode == Opcode::EXT1 ||
         opcode == Opcode::EXT2 || opcode == Opcode::EXT4;
}

}  // namespace

bool is_identifier_path(std::string_view name) {
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c >= 0x80; });
}

ActionSummary summarise_import(const std::string& name) {
  if (name.empty())
    return {ScanVerdict::suspicious,
            std::string(kUnresolvable),
            "its name is put together while the pickle is loaded, or stands in another place",
            {}};
  if (name.size() > kLongestGlobal)
    return {ScanVerdict::dangerous, name, "is longer than any name that a program has: it hides what it reaches", {}};
  const NameVerdict judged = judge_name(name);
  return {judged.verdict, name, std::string(judged.why), {}};
}

ActionSummary summarise(const PickleRun& run, const PickleAction& action) {
  if (is_import(action.opcode)) return judge_global(run, action.target);
  ActionSummary summary = judge_target(run, action);
  if (summary.verdict != ScanVerdict::clean) {  // of the others nobody asks
    summary.arguments = describe(run, action.arguments, 0);
    shorten(summary.arguments);
  }
  return summary;
}

bool imports_something_real(const PickleRun& run) {
  return std::any_of(run.actions.begin(), run.actions.end(), [&](const PickleAction& action) {
    return is_import(action.opcode) && is_identifier_path(global_name(run, action.target));
  });
}

}  // namespace safelight::foreign
