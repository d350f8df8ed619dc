// Graphs as ComfyUI writes them, and graphs as nobody should.
#include "image/comfy_graph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>

namespace safelight::test {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// The graph that ComfyUI shows when it is first started.
constexpr std::string_view kBasic = R"({
  "3": {"class_type": "KSampler", "inputs": {"seed": 156680208700286, "steps": 20, "cfg": 8.0,
        "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0, "model": ["4", 0], "positive": ["6", 0],
        "negative": ["7", 0], "latent_image": ["5", 0]}},
  "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned.safetensors"}},
  "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
  "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "beautiful scenery, caf\u00e9", "clip": ["4", 1]}},
  "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["4", 1]}},
  "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
  "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]},
        "is_changed": [NaN]}})";

TEST(ComfyGraph, TheFirstGraph) {
  const std::optional<Infotext> info = parse_comfy_graph(kBasic);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->prompt, "beautiful scenery, caf\u00e9");
  EXPECT_EQ(info->negative_prompt, "text, watermark");
  EXPECT_THAT(info->fields,
              ElementsAre(Pair("Steps", "20"), Pair("Sampler", "dpmpp_2m"), Pair("Schedule type", "karras"),
                          Pair("CFG scale", "8"), Pair("Seed", "156680208700286"), Pair("Size", "512x768"),
                          Pair("Model", "v1-5-pruned.safetensors"), Pair("Denoising strength", "1")));
  EXPECT_EQ(parse_comfy_graph(fmt::format(R"({{"prompt": {}, "client_id": "x"}})", kBasic))->fields, info->fields);
}

// Settings in nodes of their own, texts and seeds from other nodes, LoRAs on the model's way, two texts in one prompt.
TEST(ComfyGraph, LinksAreFollowed) {
  const std::optional<Infotext> info = parse_comfy_graph(R"({
    "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0],
          "sigmas": ["5", 0], "latent_image": ["6", 0]}},
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["seed", 0]}},
    "seed": {"class_type": "PrimitiveInt", "inputs": {"value": 18446744073709551615}},
    "3": {"class_type": "CFGGuider", "inputs": {"cfg": 4.5, "model": ["10", 0], "positive": ["20", 0],
          "negative": ["30", 0]}},
    "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler_ancestral"}},
    "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "normal", "steps": 12, "denoise": 0.55,
          "model": ["10", 0]}},
    "6": {"class_type": "VAEEncode", "inputs": {"pixels": ["7", 0]}},
    "7": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "b.safetensors", "strength_model": 0.8,
           "strength_clip": 1, "model": ["11", 0], "clip": ["12", 1]}},
    "11": {"class_type": "LoraLoader", "inputs": {"lora_name": "a.safetensors", "model": ["12", 0]}},
    "12": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "xl.safetensors"}},
    "20": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["21", 0], "conditioning_2": ["22", 0]}},
    "21": {"class_type": "CLIPTextEncode", "inputs": {"text": ["23", 0], "clip": ["24", 0]}},
    "22": {"class_type": "CLIPTextEncodeSDXL", "inputs": {"text_g": "at night", "text_l": "at night"}},
    "23": {"class_type": "StringNode", "inputs": {"string": "a house"}},
    "24": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["12", 1]}},
    "30": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["21", 0]}}})");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->prompt, "a house\nat night");
  EXPECT_EQ(info->negative_prompt, "");
  EXPECT_THAT(info->fields,
              ElementsAre(Pair("Steps", "12"), Pair("Sampler", "euler_ancestral"), Pair("Schedule type", "normal"),
                          Pair("CFG scale", "4.5"), Pair("Seed", "18446744073709551615"),
                          Pair("Model", "xl.safetensors"), Pair("Denoising strength", "0.55"), Pair("Clip skip", "2"),
                          Pair("Lora", "b.safetensors: 0.8, a.safetensors: 1")));
}

// With two samplers in a row, the last one made the picture; a ControlNet passes both sides on.
TEST(ComfyGraph, TheSamplerThatLeadsToThePicture) {
  const std::optional<Infotext> info = parse_comfy_graph(R"({
    "1": {"class_type": "KSampler", "inputs": {"steps": 20, "positive": ["5", 0], "latent_image": ["6", 0]}},
    "2": {"class_type": "LatentUpscaleBy", "inputs": {"scale_by": 2, "samples": ["1", 0]}},
    "3": {"class_type": "KSampler", "inputs": {"steps": 7, "positive": ["4", 0], "negative": ["4", 1],
          "latent_image": ["2", 0]}},
    "4": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["5", 0], "negative": ["7", 0]}},
    "5": {"class_type": "CLIPTextEncode", "inputs": {"text": "yes"}},
    "6": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "no"}},
    "8": {"class_type": "PreviewImage", "inputs": {"images": ["9", 0]}},
    "9": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0]}}})");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->prompt, "yes");
  EXPECT_EQ(info->negative_prompt, "no");
  EXPECT_THAT(info->fields, ElementsAre(Pair("Steps", "7")));  // no size: it is twice that of the first
}

TEST(ComfyGraph, WhatIsNoGraphIsNothing) {
  for (const std::string_view text :
       {"", "a house", "[]", "{}", "null", "{\"prompt\": \"a house\"}", "{\"1\": 2}", "{\"1\": {\"class_type\": 3}}",
        "{\"1\": {\"class_type\": \"KSampler\"}}", "{\"1\": {\"class_type\": \"KSampler\", \"inputs\": []}}",
        "{\"1\": {\"class_type\": \"VAEDecode\", \"inputs\": {\"samples\": [\"1\", 0]}}}", "{\"1\": {", "NaN", "\"\\"})
    EXPECT_FALSE(parse_comfy_graph(text)) << text;
}

TEST(ComfyGraph, CirclesAndLooseEndsAreHarmless) {
  const std::optional<Infotext> info = parse_comfy_graph(R"({
    "1": {"class_type": "KSampler", "inputs": {"seed": ["2", 0], "steps": ["9", 0], "cfg": null, "positive": ["3", 0],
          "negative": ["nowhere", 0], "model": ["1", 0], "latent_image": ["1", 0], "scheduler": {"a": 1}}},
    "2": {"class_type": "Seed", "inputs": {"seed": ["2", 0]}},
    "3": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["4", 0], "conditioning_2": ["3", 0]}},
    "4": {"class_type": "ConditioningConcat", "inputs": {"conditioning_to": ["3", 0], "text": ["5", 0]}},
    "5": {"class_type": "Text", "inputs": {"text": ["6", 0]}},
    "6": {"class_type": "Text", "inputs": {"text": ["5", 0]}},
    "7": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}})");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->prompt, "");
  EXPECT_TRUE(info->fields.empty());
}

// A chain of conditionings, each with a text at the end of a chain: the walk must not take the product of both.
TEST(ComfyGraph, LargeGraphsEnd) {
  const auto chained = [](int length) {
    std::string json = R"({"s": {"class_type": "KSampler", "inputs": {"steps": 1, "positive": ["c0", 0]}})";
    for (int i = 0; i < length; ++i)
      json +=
          fmt::format(R"(, "c{0}": {{"class_type": "C", "inputs": {{"conditioning": ["c{1}", 0], "text": ["t0", 0]}}}}
                             , "t{0}": {{"class_type": "T", "inputs": {{"text": ["t{1}", 0]}}}})",
                      i, i + 1);
    return json + "}";
  };
  EXPECT_TRUE(parse_comfy_graph(chained(990)));
  EXPECT_FALSE(parse_comfy_graph(chained(1000)));
}

}  // namespace
}  // namespace safelight::test
