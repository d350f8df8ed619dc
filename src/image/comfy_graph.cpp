#include "image/comfy_graph.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace safelight {
namespace {

namespace dom = simdjson::dom;
using Keys = std::span<const std::string_view>;

// Of a graph that is walked at all: people's have some hundred nodes. And of the nodes that one value, which many nodes
// may ask for, is looked for in.
constexpr std::size_t kMostNodes = 2000, kMostInputs = 50'000, kFarthestValue = 50;

// --- the graph ------------------------------------------------------------------------------------------------------

struct Input {
  std::string name;
  std::string value;  // a text, or a number as text
  std::string link;   // the node that the value comes from, if it is not here
};

struct Node {
  std::string kind;  // "KSampler"
  std::vector<Input> inputs;

  const Input* find(std::string_view name) const {
    const auto found = std::ranges::find(inputs, name, &Input::name);
    return found == inputs.end() ? nullptr : &*found;
  }
};

struct Graph {
  std::vector<Node> nodes;  // as in the file
  std::unordered_map<std::string, std::size_t> by_id;

  const Node* find(const std::string& id) const {
    const auto found = by_id.find(id);
    return found == by_id.end() ? nullptr : &nodes[found->second];
  }
  const Node* linked(const Node& node, std::string_view input) const {
    const Input* const found = node.find(input);
    return found && !found->link.empty() ? find(found->link) : nullptr;
  }
};

// ComfyUI writes JSON with Python's NaN and Infinity in it, which is none. Outside strings they become 0.
std::string without_nan(std::string_view json) {
  std::string out(json);
  bool quoted = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '"') quoted = !quoted;
    if (quoted && out[i] == '\\') ++i;
    if (quoted) continue;
    for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (!std::string_view(out).substr(i).starts_with(word)) continue;
      out.replace(i, word.size(), "0" + std::string(word.size() - 1, ' '));
      break;
    }
  }
  return out;
}

std::string as_text(dom::element value) {
  if (value.is_string()) return std::string(std::string_view(value));
  if (value.type() == dom::element_type::DOUBLE) return fmt::format("{}", double(value));
  if (value.is_number()) return simdjson::minify(value);
  return {};
}

Node read_node(dom::object object) {
  Node node;
  dom::element kind;
  if (!object["class_type"].get(kind)) node.kind = as_text(kind);
  dom::object inputs;
  if (object["inputs"].get(inputs)) return node;
  for (const auto [name, value] : inputs) {
    Input input{std::string(name), as_text(value), {}};
    dom::array link;
    dom::element source;
    if (!value.get(link) && link.size() == 2 && !link.at(0).get(source)) input.link = as_text(source);
    node.inputs.push_back(std::move(input));
  }
  return node;
}

Graph read_graph(std::string_view json) {
  Graph graph;
  const simdjson::padded_string padded(without_nan(json));
  dom::parser parser;
  dom::object root, inner;
  if (parser.parse(padded).get(root)) return graph;
  if (!root["prompt"].get(inner)) root = inner;  // as it is sent to ComfyUI's server
  std::size_t inputs = 0;
  for (const auto [id, value] : root) {
    dom::object object;
    if (value.get(object)) continue;
    if (graph.nodes.size() == kMostNodes || inputs > kMostInputs) return {};
    graph.by_id.try_emplace(std::string(id), graph.nodes.size());
    graph.nodes.push_back(read_node(object));
    inputs += graph.nodes.back().inputs.size();
  }
  return graph;
}

// --- walking --------------------------------------------------------------------------------------------------------

// The nodes from which `start` gets what is linked to the inputs of these names, the nearest first, each once; `start`
// itself is the first. Stops where `stops` says so, and after `most` nodes.
template <class Stops>
std::vector<const Node*> upstream(const Graph& graph, const Node& start, Keys through, Stops&& stops,
                                  std::size_t most = kMostNodes) {
  std::vector<const Node*> found{&start};
  std::unordered_set<const Node*> seen{&start};
  for (std::size_t i = 0; i < found.size() && found.size() < most; ++i) {
    if (stops(*found[i])) continue;
    for (const Input& input : found[i]->inputs) {
      if (!through.empty() && std::ranges::find(through, input.name) == through.end()) continue;
      const Node* const next = input.link.empty() ? nullptr : graph.find(input.link);
      if (next && seen.insert(next).second) found.push_back(next);
    }
  }
  return found;
}

constexpr auto kNowhere = [](const Node&) { return false; };

// Inputs that hold a value in nodes made for nothing else: constants, text boxes, seed generators.
constexpr std::array<std::string_view, 9> kPlainValues{"value",  "text", "string",     "prompt", "int",
                                                       "number", "seed", "noise_seed", "float"};

// The value of an input, here or in the constant that it is linked to.
std::string value_of(const Graph& graph, const Node& node, std::string_view name) {
  const Input* const input = node.find(name);
  if (!input) return {};
  if (input->link.empty()) return input->value;
  const Node* const source = graph.find(input->link);
  if (!source) return {};
  for (const Node* at : upstream(graph, *source, kPlainValues, kNowhere, kFarthestValue))
    for (const std::string_view plain : kPlainValues)
      if (const Input* const found = at->find(plain); found && !found->value.empty()) return found->value;
  return {};
}

// The first of these nodes that has a value under one of these names.
std::string first_value(const Graph& graph, std::span<const Node* const> nodes, Keys names) {
  for (const Node* const node : nodes)
    for (const std::string_view name : names)
      if (std::string value = value_of(graph, *node, name); !value.empty()) return value;
  return {};
}

bool says_sampler(const Node& node) {
  std::string kind = node.kind;
  for (char& c : kind)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return kind.find("sampler") != std::string::npos;
}

bool is_sampler(const Node& node) {
  const bool guided = node.find("positive") || node.find("guider");
  return guided && (node.find("latent_image") || says_sampler(node));
}

// The sampler nearest to a node that saves or shows pictures; where none leads to one, the first of the graph.
const Node* find_sampler(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (!graph.linked(node, "images")) continue;
    const std::vector<const Node*> sources = upstream(graph, node, {}, is_sampler);
    const auto found = std::ranges::find_if(sources, [](const Node* n) { return is_sampler(*n); });
    if (found != sources.end()) return *found;
  }
  const auto found = std::ranges::find_if(graph.nodes, is_sampler);
  return found == graph.nodes.end() ? nullptr : &*found;
}

// --- what the sampler was told --------------------------------------------------------------------------------------

// SamplerCustomAdvanced has its settings in nodes of their own, behind these inputs.
constexpr std::array<std::string_view, 4> kSettingsOf{"guider", "sampler", "sigmas", "noise"};
constexpr std::array<std::string_view, 3> kModelFrom{"model", "guider", "unet"};
constexpr std::array<std::string_view, 4> kLatentFrom{"latent_image", "samples", "latent", "pixels"};
constexpr std::array<std::string_view, 1> kClipFrom{"clip"};
// What a prompt is called in the nodes that encode one. SDXL's take two.
constexpr std::array<std::string_view, 6> kTexts{"text", "text_g", "text_l", "prompt", "string", "value"};
constexpr std::string_view kNothing = "ConditioningZeroOut";

void append_text(std::string& all, const std::string& text) {
  if (text.empty() || all == text) return;
  all += (all.empty() ? "" : "\n") + text;
}

std::string text_of(const Graph& graph, const Node& node) {
  std::string text;
  for (const std::string_view name : kTexts) append_text(text, value_of(graph, node, name));
  return text;
}

// The nodes that the text of one side, "positive" or "negative", passes on its way to the sampler.
std::vector<const Node*> conditioning(const Graph& graph, std::span<const Node* const> settings,
                                      std::string_view side) {
  const std::array<std::string_view, 8> through{
      side,    "conditioning", "conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from",
      "cond1", "cond2"};
  const auto stops = [&](const Node& node) { return node.kind == kNothing || !text_of(graph, node).empty(); };
  for (const Node* const node : settings) {
    const Node* source = graph.linked(*node, side);
    if (!source && side == "positive") source = graph.linked(*node, "conditioning");  // BasicGuider has this side alone
    if (source) return upstream(graph, *source, through, stops);
  }
  return {};
}

std::string text_of(const Graph& graph, std::span<const Node* const> conditioning) {
  std::string text;
  for (const Node* const node : conditioning)
    if (node->kind != kNothing) append_text(text, text_of(graph, *node));
  return text;
}

std::string size_of(const Graph& graph, const Node& sampler) {
  const auto sets_size = [](const Node& node) {
    return (node.find("width") && node.find("height")) || node.find("scale_by");
  };
  for (const Node* const node : upstream(graph, sampler, kLatentFrom, sets_size)) {
    if (!sets_size(*node)) continue;
    const std::string width = value_of(graph, *node, "width"), height = value_of(graph, *node, "height");
    return width.empty() || height.empty() ? "" : fmt::format("{}x{}", width, height);
  }
  return {};
}

// "detail: 0.8, style: 1"
std::string loras_of(const Graph& graph, std::span<const Node* const> models) {
  std::string loras;
  for (const Node* const node : models) {
    const std::string name = value_of(graph, *node, "lora_name");
    if (name.empty()) continue;
    const std::string strength = value_of(graph, *node, "strength_model");
    loras += (loras.empty() ? "" : ", ") + name + ": " + (strength.empty() ? "1" : strength);
  }
  return loras;
}

std::string clip_skip_of(const Graph& graph, std::span<const Node* const> conditioning) {
  constexpr std::array<std::string_view, 1> kStop{"stop_at_clip_layer"};
  for (const Node* const node : conditioning) {
    const std::string stop = first_value(graph, upstream(graph, *node, kClipFrom, kNowhere, kFarthestValue), kStop);
    if (stop.size() > 1 && stop.front() == '-') return stop.substr(1);
  }
  return {};
}

}  // namespace

std::optional<Infotext> parse_comfy_graph(std::string_view json) {
  const Graph graph = read_graph(json);
  const Node* const sampler = find_sampler(graph);
  if (!sampler) return std::nullopt;
  const std::vector<const Node*> settings = upstream(graph, *sampler, kSettingsOf, kNowhere);
  const std::vector<const Node*> models = upstream(graph, *sampler, kModelFrom, kNowhere);
  const std::vector<const Node*> positive = conditioning(graph, settings, "positive");

  Infotext info;
  info.prompt = text_of(graph, positive);
  info.negative_prompt = text_of(graph, conditioning(graph, settings, "negative"));
  const auto add = [&](std::string_view name, std::string value) {
    if (!value.empty()) info.fields.emplace_back(name, std::move(value));
  };
  const auto add_setting = [&](std::string_view name, std::initializer_list<std::string_view> keys) {
    add(name, first_value(graph, settings, {keys.begin(), keys.size()}));
  };
  const auto add_of_model = [&](std::string_view name, std::initializer_list<std::string_view> keys) {
    add(name, first_value(graph, models, {keys.begin(), keys.size()}));
  };
  add_setting("Steps", {"steps"});
  add_setting("Sampler", {"sampler_name"});
  add_setting("Schedule type", {"scheduler"});
  add_setting("CFG scale", {"cfg"});
  add_setting("Seed", {"seed", "noise_seed"});
  add("Size", size_of(graph, *sampler));
  add_of_model("Model", {"ckpt_name", "unet_name", "model_name", "model_path"});
  add_setting("Denoising strength", {"denoise"});
  add("Clip skip", clip_skip_of(graph, positive));
  add("Lora", loras_of(graph, models));
  return info;
}

}  // namespace safelight
