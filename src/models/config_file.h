// The small JSON files that lie beside a diffusers model's tensors: config.json, scheduler_config.json, ...
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace safelight {

// One JSON object, whose members are asked for by name. All that throw Error(format) name file and member.
class ConfigFile {
 public:
  // Nothing if there is no such file. Error(io) if it cannot be read, Error(limit) if it is larger than 1 MiB,
  // Error(format) if it is not a JSON object.
  static std::optional<ConfigFile> read(const std::filesystem::path& path);

  // Nothing if the member is missing or null; Error(format) if it is of another kind.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;

  // Is it there, but null, or a list of nothing else? So a model_index.json says that a component was left out.
  bool is_null(std::string_view key) const;

  // Throws Error(format): "[config] FILE: KEY <complaint>".
  [[noreturn]] void reject(std::string_view key, std::string_view complaint) const;

 private:
  struct Other {};  // an object, or a list
  using Value = std::variant<std::monostate, std::string, bool, double, Other>;

  explicit ConfigFile(std::filesystem::path path) : path_(std::move(path)) {}
  template <class T>
  std::optional<T> get(std::string_view key, std::string_view expected) const;

  std::filesystem::path path_;
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace safelight
