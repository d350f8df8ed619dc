#include "models/config_file.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "core/fail.h"
#include "core/shown_path.h"
#include "models/small_file.h"

namespace safelight {
namespace {

namespace dom = simdjson::dom;

constexpr std::uint64_t kMostBytes = 1 << 20;  // the largest of the field has some 10 KB

bool is_nothing(dom::element value) {
  if (!value.is_array()) return value.is_null();
  const dom::array items(value);
  return std::all_of(items.begin(), items.end(), [](dom::element item) { return item.is_null(); });
}

}  // namespace

std::optional<ConfigFile> ConfigFile::read(const std::filesystem::path& path) {
  std::error_code unknown;
  if (std::filesystem::symlink_status(path, unknown).type() == std::filesystem::file_type::not_found)
    return std::nullopt;
  ConfigFile config(path);
  const std::string text = read_small_file(path, kMostBytes);
  dom::parser parser;
  dom::element root;
  if (const auto error = parser.parse(simdjson::padded_string(text)).get(root))
    fail(ErrorCategory::format, "[config] {} is not JSON, expected a JSON object: {}", shown_path(path),
         simdjson::error_message(error));
  if (!root.is_object())
    fail(ErrorCategory::format, "[config] {} is not a JSON object but {}; expected a JSON object", shown_path(path),
         root.is_array() ? "a list" : "a value");
  for (const auto [key, value] : dom::object(root)) {
    Value& known = config.values_[std::string(key)];
    if (is_nothing(value))
      known = std::monostate();
    else if (value.is_string())
      known = std::string(std::string_view(value));
    else if (value.is_bool())
      known = bool(value);
    else if (value.is_number())
      known = double(value);
    else
      known = Other();
  }
  return config;
}

template <class T>
std::optional<T> ConfigFile::get(std::string_view key, std::string_view expected) const {
  const auto at = values_.find(key);
  if (at == values_.end() || std::holds_alternative<std::monostate>(at->second)) return std::nullopt;
  const T* value = std::get_if<T>(&at->second);
  if (!value) reject(key, fmt::format("is no {}", expected));
  return *value;
}

std::optional<std::string> ConfigFile::text(std::string_view key) const { return get<std::string>(key, "text"); }
std::optional<bool> ConfigFile::flag(std::string_view key) const { return get<bool>(key, "true or false"); }
std::optional<double> ConfigFile::number(std::string_view key) const { return get<double>(key, "number"); }

bool ConfigFile::is_null(std::string_view key) const {
  const auto at = values_.find(key);
  return at != values_.end() && std::holds_alternative<std::monostate>(at->second);
}

void ConfigFile::reject(std::string_view key, std::string_view complaint) const {
  fail(ErrorCategory::format, "[config] {}: {} {}", shown_path(path_), key, complaint);
}

}  // namespace safelight
