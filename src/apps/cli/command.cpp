#include "apps/cli/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "core/edit_distance.h"
#include "core/fail.h"
#include "core/human.h"
#include "core/printable.h"
#include "safelight/error.h"

namespace safelight::cli {
namespace {

// CLI11 turns a number beyond 64 bits silently into the largest one.
template <class Integer>
std::string complaint_on_integer(const std::string& text) {
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return "";
  return fmt::format("expected a whole number of at most {} bits, found {}", std::numeric_limits<Integer>::digits,
                     printable(text));
}

template <class Integer, class Value>
Option integer_option(CLI::App& app, const std::string& names, Value& value, const std::string& help) {
  return Option(app.add_option(names, value, help)->check(CLI::Validator(complaint_on_integer<Integer>, "")));
}

bool has_command(const CLI::App& app, std::string_view name) {
  const auto named = [name](const CLI::App* command) { return command->get_name() == name; };
  return !app.get_subcommands(named).empty();
}

// "; did you mean --steps?", if an option's name is near enough: a third of its letters or fewer are others.
std::string suggestion(const CLI::App& command, const std::string& word) {
  std::string nearest;
  std::size_t distance = word.size() / 3 + 1;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames())
      if (const std::size_t d = edit_distance(word, "--" + name); d < distance) distance = d, nearest = name;
  return nearest.empty() ? "" : fmt::format("; did you mean --{}?", nearest);
}

void fail_for_unknown_words(const CLI::App& command, const std::string& called) {
  const std::vector<std::string> words = command.remaining();
  if (words.empty()) return;
  const auto option = std::ranges::find_if(words, [](const std::string& word) { return word.starts_with('-'); });
  if (option == words.end())
    fail(ErrorCategory::usage, "expected options only ({} --help lists them), found {}", called,
         printable(words.back()));
  const std::string name = option->substr(0, option->find('='));
  fail(ErrorCategory::usage, "{}: no such option{} ({} --help lists them)", printable(name), suggestion(command, name),
       called);
}

// Says which word of the command line means nothing, if there is one: what else is wrong may come of it.
void fail_for_unknown_words(const CLI::App& program) {
  fail_for_unknown_words(program, "safelight");
  for (const CLI::App* given : program.get_subcommands())
    fail_for_unknown_words(*given, "safelight " + given->get_name());
}

}  // namespace

Option Option::required() {
  option_->required();
  return *this;
}

Option Option::positive() {
  const auto refuse = [](const std::string& text) -> std::string {
    double value = 1;
    static_cast<void>(std::from_chars(text.data(), text.data() + text.size(), value));  // no number: that is said later
    return value > 0 ? "" : fmt::format("expected more than 0, found {}", printable(text));
  };
  option_->check(CLI::Validator(refuse, "POSITIVE"));
  return *this;
}

Option Option::between(std::int64_t lowest, std::int64_t highest) {
  option_->check(CLI::Range(lowest, highest));
  return *this;
}

Option Option::one_of(std::vector<std::string> values) {
  option_->check(CLI::IsMember(std::move(values)));
  return *this;
}

Option Option::size_in_bytes() {
  const auto to_bytes = [](std::string& text) -> std::string {
    const std::optional<std::uint64_t> bytes = parse_bytes(text);
    if (!bytes)
      return fmt::format("expected a number of bytes such as 500MB, 2.5GB or 5GiB, found {}", printable(text));
    text = std::to_string(*bytes);
    return {};
  };
  option_->transform(CLI::Validator(to_bytes, ""));  // a transformation comes before every check
  return *this;
}

Option Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option Option::values(int count) {
  option_->expected(count)->multi_option_policy(CLI::MultiOptionPolicy::Throw);  // once
  return *this;
}

Option Option::several_values_each_time() {
  option_->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args();
  return *this;
}

Option Option::shown_as(const std::string& type) {
  option_->type_name(type);
  return *this;
}

Option Option::show_default() {
  option_->capture_default_str();
  return *this;
}

bool Option::given() const { return option_->count() > 0; }

Command Command::add_command(const std::string& name, const std::string& description) {
  return Command(app_->add_subcommand(name, description));
}

Option Command::add_option(const std::string& names, std::string& value, const std::string& help) {
  return Option(app_->add_option(names, value, help));
}

Option Command::add_option(const std::string& names, std::vector<std::string>& values, const std::string& help) {
  CLI::Option* option = app_->add_option(names, values, help);
  if (names.starts_with('-')) option->expected(1)->allow_extra_args(false)->take_all();
  return Option(option);
}

Option Command::add_option(const std::string& names, double& value, const std::string& help) {
  return Option(app_->add_option(names, value, help));
}

Option Command::add_option(const std::string& names, int& value, const std::string& help) {
  return integer_option<int>(*app_, names, value, help);
}

Option Command::add_option(const std::string& names, std::int64_t& value, const std::string& help) {
  return integer_option<std::int64_t>(*app_, names, value, help);
}

Option Command::add_option(const std::string& names, std::uint64_t& value, const std::string& help) {
  return integer_option<std::uint64_t>(*app_, names, value, help);
}

Option Command::add_option(const std::string& names, std::optional<std::int64_t>& value, const std::string& help) {
  return integer_option<std::int64_t>(*app_, names, value, help);
}

Option Command::add_option(const std::string& names, std::optional<double>& value, const std::string& help) {
  return Option(app_->add_option(names, value, help));
}

Option Command::add_option(const std::string& names, std::optional<std::string>& value, const std::string& help) {
  return Option(app_->add_option(names, value, help));
}

Option Command::add_flag(const std::string& names, bool& value, const std::string& help) {
  return Option(app_->add_flag(names, value, help));
}

void Command::footer(const std::string& text) { app_->footer(text); }

void Command::callback(std::function<void()> action) { app_->callback(std::move(action)); }

CommandLine::CommandLine(const std::string& description, const std::string& version)
    : app_(std::make_unique<CLI::App>(description)) {
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

Command CommandLine::program() { return Command(app_.get()); }

void CommandLine::run(int argc, const char* const* argv) {
  std::vector<const char*> words(argv, argv + argc);
  if (argc > 1 && words[1] == std::string_view("help")) {  // help, help ls
    words.erase(words.begin() + 1);
    words.push_back("--help");
  }
  if (const std::string_view first = argc > 1 ? words[1] : ""; !first.empty() && !first.starts_with('-'))
    if (!has_command(*app_, first))
      fail(ErrorCategory::usage, "expected a command (safelight --help lists them), found {}", printable(first));
  try {
    app_->parse(static_cast<int>(words.size()), words.data());
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {  // --help, --version
      app_->exit(e);
      return;
    }
    fail_for_unknown_words(*app_);
    throw Error(ErrorCategory::usage, e.what());
  }
}

}  // namespace safelight::cli
