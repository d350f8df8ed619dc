#include "format/accidents.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "format/header.h"
#include "format/json_reader.h"
#include "format/rules.h"

namespace safelight {
namespace {

constexpr std::array<std::string_view, 3> kKnown = {"dtype", "shape", "data_offsets"};

// How often something happened, and where first.
struct Finding {
  std::size_t count = 0;
  std::string first;

  void add(std::string_view where) {
    if (count++ == 0) first = shown(where);
  }
};

class AccidentFinder {
 public:
  explicit AccidentFinder(std::string_view json) : json_(json, kLengthField) {}

  std::vector<std::string> list();

 private:
  void look_at_metadata();
  void look_at_entry(const std::string& name);
  void look_at_dtype(const std::string& name);
  void skip();

  JsonReader json_;
  bool null_metadata_ = false;
  Finding array_entries_, object_dtypes_, unknown_fields_, repeated_keys_;
};

std::vector<std::string> AccidentFinder::list() {
  json_.object([&](std::string_view key) {
    const std::string name(key);
    if (name == "__metadata__")
      look_at_metadata();
    else
      look_at_entry(name);
  });
  std::vector<std::string> lines;
  const auto tell = [&](const Finding& finding, const char* what) {
    if (finding.count > 0) lines.push_back(fmt::format("{} {}, the first: \"{}\"", finding.count, what, finding.first));
  };
  if (null_metadata_) lines.emplace_back("left out __metadata__, which is null");
  tell(repeated_keys_, "metadata keys repeated, of which the last value was kept");
  tell(array_entries_, "tensor entries written as arrays made objects");
  tell(object_dtypes_, "dtypes written as objects made strings");
  tell(unknown_fields_, "fields of tensor entries that the format does not know left out");
  return lines;
}

void AccidentFinder::look_at_metadata() {
  null_metadata_ = json_.peek() != '{';
  if (null_metadata_) return skip();
  std::set<std::string> keys;
  json_.object([&](std::string_view key) {
    if (const auto [place, is_new] = keys.emplace(key); !is_new) repeated_keys_.add(*place);
    skip();
  });
}

void AccidentFinder::look_at_entry(const std::string& name) {
  if (json_.peek() == '[') {
    array_entries_.add(name);
    bool first = true;
    json_.array([&] { std::exchange(first, false) ? look_at_dtype(name) : skip(); });
    return;
  }
  json_.object([&](std::string_view key) {
    if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end())
      unknown_fields_.add(fmt::format("{}: {}", name, key));
    if (key == kKnown.front())
      look_at_dtype(name);
    else
      skip();
  });
}

void AccidentFinder::look_at_dtype(const std::string& name) {
  if (json_.peek() == '{') object_dtypes_.add(name);
  skip();
}

// Values are nested at most 127 deep: the parser has seen to that.
void AccidentFinder::skip() {
  switch (json_.peek()) {
    case '{':
      return json_.object([&](std::string_view) { skip(); });
    case '[':
      return json_.array([&] { skip(); });
    case '"':
      json_.string();
      return;
    default:
      json_.word();
  }
}

}  // namespace

std::vector<std::string> list_accidents(std::string_view json) { return AccidentFinder(json).list(); }

}  // namespace safelight
