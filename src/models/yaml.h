// YAML as configurations use it: mappings with plain keys, sequences, texts. Wraps libyaml.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace safelight {

struct YamlNode {
  enum class Kind { text, mapping, sequence };

  Kind kind = Kind::text;
  std::string text{};                                       // numbers and truth values, too, as they are written
  std::vector<std::pair<std::string, YamlNode>> members{};  // of a mapping, in order
  std::vector<YamlNode> items{};                            // of a sequence

  // The value of a key, the last one's if there are several; null without one, and for what is no mapping.
  const YamlNode* find(std::string_view key) const;

  // "true", "yes", "on", "1", in any case.
  bool is_true() const;
};

// The first document; an empty text is an empty mapping. Throws Error(format) that names line and reason for what is
// not YAML, for aliases (a few lines of them can stand for more than any memory holds) and keys that are no texts;
// Error(limit) beyond 32 levels or 100,000 nodes.
YamlNode parse_yaml(std::string_view text);

}  // namespace safelight
