#include "models/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <cctype>

#include "core/fail.h"
#include "core/printable.h"

namespace safelight {
namespace {

constexpr std::size_t kDeepest = 32, kMostNodes = 100'000;

class Event {
 public:
  Event() = default;
  ~Event() { yaml_event_delete(&event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  yaml_event_t* operator->() { return &event_; }
  yaml_event_t* get() { return &event_; }
  std::size_t line() const { return event_.start_mark.line + 1; }

 private:
  yaml_event_t event_{};
};

// libyaml's parser tells events: a scalar, a mapping begins, it ends. This makes a tree of them. It is no recursion, so
// that depth costs no stack.
class Builder {
 public:
  explicit Builder(std::string_view text) {
    if (!yaml_parser_initialize(&parser_)) fail(ErrorCategory::limit, "[yaml] out of memory");
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Builder() { yaml_parser_delete(&parser_); }
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  YamlNode build() {
    for (bool more = true; more;) {
      Event event;
      if (!yaml_parser_parse(&parser_, event.get())) fail_as_told();
      more = take(event);
    }
    return std::move(root_);
  }

 private:
  [[noreturn]] void fail_as_told() const {
    const std::string problem = printable(parser_.problem ? parser_.problem : "not YAML");
    if (parser_.error == YAML_READER_ERROR)  // which comes before lines are told apart
      fail(ErrorCategory::format, "[yaml] byte {}: {}", parser_.problem_offset, problem);
    fail(ErrorCategory::format, "[yaml] line {}: {}", parser_.problem_mark.line + 1, problem);
  }

  // False when the document has ended.
  bool take(Event& event) {
    switch (event->type) {
      case YAML_ALIAS_EVENT:
        fail(ErrorCategory::format, "[yaml] line {}: expected no alias, found *{}", event.line(),
             printable(reinterpret_cast<const char*>(event->data.alias.anchor), 60));
      case YAML_SCALAR_EVENT:
        take_text({reinterpret_cast<const char*>(event->data.scalar.value), event->data.scalar.length}, event.line());
        return true;
      case YAML_MAPPING_START_EVENT:
        open_.push_back(place(YamlNode::Kind::mapping, event.line()));
        return true;
      case YAML_SEQUENCE_START_EVENT:
        open_.push_back(place(YamlNode::Kind::sequence, event.line()));
        return true;
      case YAML_MAPPING_END_EVENT:
      case YAML_SEQUENCE_END_EVENT:
        open_.pop_back();
        return true;
      case YAML_DOCUMENT_END_EVENT:
      case YAML_STREAM_END_EVENT:
        return false;
      default:
        return true;  // where stream and document begin
    }
  }

  void take_text(std::string_view text, std::size_t line) {
    if (!open_.empty() && open_.back()->kind == YamlNode::Kind::mapping && !has_key_) {
      key_ = text;
      has_key_ = true;
      return;
    }
    place(YamlNode::Kind::text, line)->text = text;
  }

  // Where the next node goes. Valid until its parent gets another: a parent that is open gets none meanwhile.
  YamlNode* place(YamlNode::Kind kind, std::size_t line) {
    if (++nodes_ > kMostNodes || open_.size() >= kDeepest)
      fail(ErrorCategory::limit, "[yaml] line {}: expected at most {} nodes in {} levels", line, kMostNodes, kDeepest);
    YamlNode* node = &root_;
    if (!open_.empty() && open_.back()->kind == YamlNode::Kind::sequence) {
      node = &open_.back()->items.emplace_back();
    } else if (!open_.empty()) {
      if (!has_key_) fail(ErrorCategory::format, "[yaml] line {}: expected a text as key", line);
      node = &open_.back()->members.emplace_back(std::move(key_), YamlNode()).second;
      has_key_ = false;
    }
    node->kind = kind;
    return node;
  }

  yaml_parser_t parser_{};
  YamlNode root_{.kind = YamlNode::Kind::mapping};
  std::vector<YamlNode*> open_;
  std::string key_;
  bool has_key_ = false;
  std::size_t nodes_ = 0;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::find_if(members.rbegin(), members.rend(), [&](const auto& m) { return m.first == key; });
  return found == members.rend() ? nullptr : &found->second;
}

bool YamlNode::is_true() const {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == "true" || lower == "yes" || lower == "on" || lower == "1";
}

YamlNode parse_yaml(std::string_view text) { return Builder(text).build(); }

}  // namespace safelight
