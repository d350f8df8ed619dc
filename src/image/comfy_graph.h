// The settings of a picture that ComfyUI made, from the graph that it keeps in the text "prompt":
//
//   {"3": {"class_type": "KSampler", "inputs": {"seed": 42, "steps": 20, "positive": ["6", 0], ...}}, "6": {...}}
//
// A node's input is a value or a link [node, output].
#pragma once

#include <optional>
#include <string_view>

#include "image/infotext.h"

namespace safelight {

// What the sampler that leads to the picture was told, in the names that A1111 has for it: the texts that its links
// lead to, and the fields Steps, Sampler, Schedule type, CFG scale, Seed, Size, Model, Denoising strength, Lora, as far
// as the graph says them. Values are as ComfyUI writes them ("dpmpp_2m", "karras"). Any graph is accepted, with nodes
// of any kind and links in circles; nothing is returned for a text that is no graph, has no sampler or more than 2000
// nodes.
std::optional<Infotext> parse_comfy_graph(std::string_view json);

}  // namespace safelight
