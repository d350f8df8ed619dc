#include "format/foreign/flatten.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "core/fail.h"
#include "format/foreign/numpy_objects.h"
#include "format/foreign/torch_objects.h"
#include "format/rules.h"

namespace safelight::foreign {
namespace {

using Kind = PickleValue::Kind;

// What training programs wrap a model's weights in, the surest first.
constexpr std::array<std::string_view, 4> kWrappers{"state_dict", "model_state_dict", "model", "module"};

// Dictionaries that hold each other can be entered for ever, by ever longer names.
constexpr int kDeepest = 64;
constexpr std::size_t kLongestName = 4096, kMostVisits = 8'000'000, kMostLooks = 1'000'000,
                      kMostNameBytes = std::size_t{256} << 20, kMostDecodedBytes = std::size_t{4} << 30;

bool is_array_object(const PickleRun& run, Ref ref, std::string_view name, std::optional<PickledTensor>& tensor) {
  tensor = as_torch_tensor(run, ref, name);
  if (!tensor) tensor = as_numpy_array(run, ref, name);
  return tensor.has_value();
}

// How many items pairs_of() looks at.
std::size_t pairs_to_look_at(const PickleRun& run, Ref ref) {
  const PickleValue& value = run[ref];
  if (value.kind != Kind::dict && value.kind != Kind::object) return 0;
  const std::vector<Ref>& arguments = run[value.arguments].items;
  return value.items.size() / 2 + (arguments.empty() ? 0 : run[arguments[0]].items.size());
}

// The pairs of a dictionary: of a dict, of an object that took items (OrderedDict, defaultdict), or of an OrderedDict
// that was made from a list of pairs, as Python 2 did.
std::optional<std::vector<std::pair<Ref, Ref>>> pairs_of(const PickleRun& run, Ref ref) {
  const PickleValue& value = run[ref];
  std::vector<std::pair<Ref, Ref>> pairs;
  if (value.kind == Kind::object && global_name(run, value.callable) == "collections.OrderedDict" &&
      !run[value.arguments].items.empty()) {
    for (const Ref pair : run[run[value.arguments].items[0]].items)
      if (run[pair].items.size() == 2) pairs.emplace_back(run[pair].items[0], run[pair].items[1]);
  } else if (value.kind != Kind::dict && value.kind != Kind::object) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) pairs.emplace_back(value.items[i], value.items[i + 1]);
  if (value.kind == Kind::object && pairs.empty() && global_name(run, value.callable) != "collections.OrderedDict")
    return std::nullopt;
  return pairs;
}

// "epoch": what it is, for the list of what was left out.
std::string kind_of(const PickleRun& run, Ref ref) {
  const PickleValue& value = run[ref];
  switch (value.kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return value.number ? "True" : "False";
    case Kind::integer:
      return std::to_string(value.number);
    case Kind::big_integer:
      return "a long integer";
    case Kind::real:
      return fmt::format("{}", value.real);
    case Kind::text:
      return fmt::format("text: {}", shown(value.text));
    case Kind::bytes:
      return fmt::format("{} bytes", value.text.size());
    case Kind::tuple:
    case Kind::list:
    case Kind::set:
      return fmt::format("a list of {}", value.items.size());
    case Kind::dict:
      return fmt::format("a dictionary of {}", value.items.size() / 2);
    case Kind::global:
      return fmt::format("the name {}", shown(global_name(run, ref)));
    case Kind::object: {
      const std::string name = global_name(run, value.callable);
      return name.empty() ? "an object" : fmt::format("an object made by {}", shown(name));
    }
    case Kind::persistent:
      return "an object kept outside the pickle";
    case Kind::unknown:
      break;
  }
  return "an unknown value";
}

class Flattener {
 public:
  explicit Flattener(const PickleRun& run) : run_(run) {}

  // The value and all in it, under this name.
  void visit(Ref ref, const std::string& name, int depth) {
    spend(1);
    std::optional<PickledTensor> tensor;
    if (is_array_object(run_, ref, name, tensor)) return keep(name, std::move(*tensor));
    spend(pairs_to_look_at(run_, ref));
    if (const auto pairs = pairs_of(run_, ref)) {
      if (pairs->empty()) return;
      enter(name, depth);
      for (const auto& [key, value] : *pairs) visit_item(name, key, value, depth);
    } else if (const PickleValue& value = run_[ref];
               (value.kind == Kind::list || value.kind == Kind::tuple) && has_structure(value.items)) {
      enter(name, depth);
      for (std::size_t i = 0; i < value.items.size(); ++i)
        visit(value.items[i], join(name, std::to_string(i)), depth + 1);
    } else if (!visit_module(ref, name, depth)) {
      drop(name, kind_of(run_, ref));
    }
  }

  // Whether a tensor is in the value, at any depth that a checkpoint has. Looks at a bounded number of values.
  bool has_tensor(Ref ref, int depth = 0) {
    constexpr int kDeepestLook = 32;  // a module in a module is three levels further down
    const PickleValue& value = run_[ref];
    looks_ += 1 + pairs_to_look_at(run_, ref);
    if (depth > kDeepestLook || looks_ > kMostLooks) return false;
    std::optional<PickledTensor> tensor;
    if (is_array_object(run_, ref, "", tensor)) return true;
    if (const auto pairs = pairs_of(run_, ref))
      return std::any_of(pairs->begin(), pairs->end(),
                         [&](const auto& pair) { return has_tensor(pair.second, depth + 1); });
    if (value.kind == Kind::list || value.kind == Kind::tuple)
      return std::any_of(value.items.begin(), value.items.end(), [&](Ref item) { return has_tensor(item, depth + 1); });
    if (value.kind != Kind::object || !value.has_state) return false;
    looks_ += run_[value.state].items.size();
    return looks_ <= kMostLooks && find_key(run_, value.state, "_modules") && has_tensor(value.state, depth + 1);
  }

  // All of the dictionary but this key, as left out.
  void drop_others(Ref root, std::string_view taken) {
    spend(pairs_to_look_at(run_, root));
    const auto pairs = pairs_of(run_, root);
    if (!pairs) return;
    for (const auto& [key, value] : *pairs)
      if (run_[key].kind != Kind::text || run_[key].text != taken)
        drop(run_[key].kind == Kind::text ? std::string(run_[key].text) : "?", kind_of(run_, value));
  }

  void drop(std::string name, std::string what) {
    ++flattened.dropped_count;
    if (flattened.dropped.size() < kLongestDropped) flattened.dropped.push_back({std::move(name), std::move(what)});
  }

  Flattened flattened;

 private:
  // Values may be shared: a small file can ask to look at the same ones without end.
  void spend(std::size_t visits) {
    visits_ += visits;
    if (visits_ > kMostVisits) fail(ErrorCategory::limit, "[pickle] more than {} values to look at", kMostVisits);
  }

  static std::string join(const std::string& name, std::string_view part) {
    return name.empty() ? std::string(part) : name + '.' + std::string(part);
  }

  static void enter(const std::string& name, int depth) {
    if (depth > kDeepest || name.size() > kLongestName)
      fail(ErrorCategory::format, "[pickle] values are nested more than {} deep, or have a name above {} bytes: {}",
           kDeepest, kLongestName, shown(name));
  }

  // A list of plain numbers is told as one value, not one by one.
  bool has_structure(const std::vector<Ref>& items) {
    constexpr std::size_t kPerVisit = 16;  // a number of a list is looked at faster than a value of a dictionary
    spend(items.size() / kPerVisit);
    return std::any_of(items.begin(), items.end(), [&](Ref item) {
      const Kind kind = run_[item].kind;
      return kind == Kind::object || kind == Kind::dict || kind == Kind::list || kind == Kind::tuple;
    });
  }

  void visit_item(const std::string& name, Ref key, Ref value, int depth) {
    const PickleValue& k = run_[key];
    if (k.kind == Kind::text && k.text.size() > kLongestName)
      fail(ErrorCategory::limit, "[pickle] a key has {} bytes, more than {}", k.text.size(), kLongestName);
    if (k.kind == Kind::text)
      visit(value, join(name, k.text), depth + 1);
    else if (k.kind == Kind::integer)
      visit(value, join(name, std::to_string(k.number)), depth + 1);
    else
      drop(join(name, "?"), "a value whose key is neither text nor a number");
  }

  // A whole model that was pickled: an object whose state has _parameters, _buffers and _modules. Their names do not
  // become part of the tensors' names, as in its state_dict().
  bool visit_module(Ref ref, const std::string& name, int depth) {
    const PickleValue& value = run_[ref];
    if (value.kind != Kind::object || !value.has_state) return false;
    spend(run_[value.state].items.size());
    const auto modules = find_key(run_, value.state, "_modules");
    const auto parameters = find_key(run_, value.state, "_parameters");
    if (!modules || !parameters) return false;
    enter(name, depth);
    visit_present(*parameters, {}, name, depth);
    if (const auto buffers = find_key(run_, value.state, "_buffers"))
      visit_present(*buffers, non_persistent(value.state), name, depth);
    visit_present(*modules, {}, name, depth);
    return true;
  }

  // The buffers of a module that its state_dict() leaves out.
  std::set<std::string_view> non_persistent(Ref state) {
    std::set<std::string_view> names;
    const auto found = find_key(run_, state, "_non_persistent_buffers_set");
    if (!found) return names;
    const PickleValue* value = &run_[*found];
    if (value->kind == Kind::object && !run_[value->arguments].items.empty())  // set([...]), before protocol 4
      value = &run_[run_[value->arguments].items[0]];
    spend(value->items.size());
    for (const Ref item : value->items)
      if (run_[item].kind == Kind::text) names.insert(run_[item].text);
    return names;
  }

  // Unset parameters are None there: that is no loss to report.
  void visit_present(Ref dictionary, const std::set<std::string_view>& but, const std::string& name, int depth) {
    spend(pairs_to_look_at(run_, dictionary));
    const auto pairs = pairs_of(run_, dictionary);
    if (!pairs) return;
    for (const auto& [key, value] : *pairs)
      if (run_[value].kind != Kind::none && !(run_[key].kind == Kind::text && but.contains(run_[key].text)))
        visit_item(name, key, value, depth);
  }

  void keep(const std::string& name, PickledTensor tensor) {
    const std::string_view unnamed = "tensor";  // a file that is one tensor and nothing else
    name_bytes_ += name.size();
    if (name_bytes_ > kMostNameBytes)
      fail(ErrorCategory::limit, "[pickle] the tensors' names have more than {} bytes", kMostNameBytes);
    decoded_bytes_ += tensor.decoded.size();  // a copy for each array, which may all be of the same text
    if (decoded_bytes_ > kMostDecodedBytes)
      fail(ErrorCategory::limit, "[pickle] the arrays held as text have more than {} bytes", kMostDecodedBytes);
    flattened.tensors.push_back({name.empty() ? std::string(unnamed) : name, std::move(tensor)});
  }

  const PickleRun& run_;
  std::size_t visits_ = 0, looks_ = 0, name_bytes_ = 0, decoded_bytes_ = 0;
};

// The value under a dotted key; the keys of checkpoints may have dots themselves.
std::optional<Ref> find_prefix(const PickleRun& run, Ref ref, std::string_view prefix) {
  for (int depth = 0; depth < kDeepest && !prefix.empty(); ++depth) {
    std::size_t length = prefix.size();
    std::optional<Ref> found;
    while (!(found = find_key(run, ref, prefix.substr(0, length)))) {
      length = length == 0 ? std::string_view::npos : prefix.rfind('.', length - 1);
      if (length == std::string_view::npos) return std::nullopt;
    }
    ref = *found;
    prefix.remove_prefix(std::min(length + 1, prefix.size()));
  }
  return ref;
}

void refuse_equal_names(const std::vector<NamedPickledTensor>& tensors) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const NamedPickledTensor& t : tensors) names.push_back(t.name);
  std::sort(names.begin(), names.end());
  const auto same = std::adjacent_find(names.begin(), names.end());
  if (same != names.end()) fail(ErrorCategory::format, "[pickle] two tensors would be named \"{}\"", shown(*same));
}

}  // namespace

Flattened flatten(const PickleRun& run, const std::optional<std::string>& prefix) {
  Flattener flattener(run);
  Ref root = run.result;
  if (prefix) {
    const auto found = find_prefix(run, root, *prefix);
    if (!found) fail(ErrorCategory::model, "[pickle] the file has nothing under the key \"{}\"", shown(*prefix));
    if (!prefix->empty()) flattener.flattened.taken = *prefix;
    root = *found;
  } else {
    for (const std::string_view wrapper : kWrappers) {
      const auto found = find_key(run, root, wrapper);
      if (!found || !flattener.has_tensor(*found)) continue;
      flattener.drop_others(root, wrapper);
      flattener.flattened.taken = wrapper;
      root = *found;
      break;
    }
  }
  flattener.visit(root, "", 0);
  if (flattener.flattened.tensors.empty()) fail(ErrorCategory::model, "[pickle] there is no tensor in the file");
  refuse_equal_names(flattener.flattened.tensors);
  return std::move(flattener.flattened);
}

}  // namespace safelight::foreign
