// The command line: commands, their options, their help. This wraps CLI11 behind one .cpp, because its templates cost
// whatever includes them ten seconds of compile time and more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace safelight::cli {

// One option, flag or positional argument: a handle, valid as long as its CommandLine.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option required();
  Option positive();
  Option between(std::int64_t lowest, std::int64_t highest);
  Option one_of(std::vector<std::string> values);
  Option size_in_bytes();                    // also takes 500MB, 2.5GB and 5GiB
  Option excludes(const Option& other);      // not both
  Option values(int count);                  // exactly so many words
  Option several_values_each_time();         // of a list: all words up to the next option, a positional argument's too
  Option shown_as(const std::string& type);  // in the help, instead of TEXT or INT
  Option show_default();

  bool given() const;  // after parsing

 private:
  CLI::Option* option_;
};

// One command: a handle, valid as long as its CommandLine. Names are as in "-o,--output"; one without a dash is a
// positional argument. Values must live until the command has run. A word that is no value of the type is an error. An
// option with a list takes one word and may be repeated; a positional list takes all the words that are left.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command add_command(const std::string& name, const std::string& description);

  Option add_option(const std::string& names, std::string& value, const std::string& help);
  Option add_option(const std::string& names, std::vector<std::string>& values, const std::string& help);
  Option add_option(const std::string& names, double& value, const std::string& help);
  Option add_option(const std::string& names, int& value, const std::string& help);
  Option add_option(const std::string& names, std::int64_t& value, const std::string& help);
  Option add_option(const std::string& names, std::uint64_t& value, const std::string& help);
  Option add_option(const std::string& names, std::optional<std::int64_t>& value, const std::string& help);
  Option add_option(const std::string& names, std::optional<double>& value, const std::string& help);
  Option add_option(const std::string& names, std::optional<std::string>& value, const std::string& help);
  Option add_flag(const std::string& names, bool& value, const std::string& help);

  void footer(const std::string& text);         // the end of the help
  void callback(std::function<void()> action);  // what the command does

 private:
  CLI::App* app_;
};

// The whole program's command line.
class CommandLine {
 public:
  CommandLine(const std::string& description, const std::string& version);
  ~CommandLine();

  // The program itself, to which commands are added.
  Command program();

  // Runs the command that was asked for, or prints help (also for "help" and "help COMMAND") or version. Throws
  // Error(usage) if the words make no sense, and what the command throws.
  void run(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace safelight::cli
