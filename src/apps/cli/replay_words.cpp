#include "apps/cli/replay_words.h"

#include <fmt/format.h>

#include <string_view>
#include <type_traits>
#include <utility>

#include "apps/cli/shell_word.h"
#include "image/extension_text.h"
#include "image/masked_content.h"
#include "image/resize_mode.h"

namespace safelight::cli {
namespace {

class Words {
 public:
  void word(std::string_view text) { words_.emplace_back(text); }

  // A value that looks like an option would be taken for one.
  void option(std::string_view name, std::string_view value) {
    if (value.starts_with('-')) {
      words_.push_back(fmt::format("{}={}", name, value));
    } else {
      words_.emplace_back(name);
      words_.emplace_back(value);
    }
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void option(std::string_view name, Number value) { option(name, std::string_view(fmt::format("{}", value))); }
  void option(std::string_view name, const PictureSize& size) {
    option(name, std::string_view(fmt::format("{}x{}", size.width, size.height)));
  }

  // Unless it is what stands there without the option.
  template <class Value>
  void unless(const Value& usual, std::string_view name, const Value& value) {
    if (value != usual) option(name, value);
  }
  template <class Value>
  void if_set(std::string_view name, const std::optional<Value>& value) {
    if (value) option(name, *value);
  }

  std::vector<std::string> take() { return std::move(words_); }

 private:
  std::vector<std::string> words_;
};

// What the tasks have for themselves.
void add_own(Words& words, const GenerateOptions& options) {
  if (!options.hires) return;
  const HiresOptions usual{}, &hires = *options.hires;
  if (hires.scale != 0)
    words.option("--hires", hires.scale);
  else
    words.option("--hires", PictureSize{.width = hires.width, .height = hires.height});
  words.option("--hires-upscaler", hires.upscaler);
  words.unless(usual.steps, "--hires-steps", hires.steps);
  words.option("--hires-strength", hires.strength);
}

void add_own(Words& words, const TransformOptions& options) {
  words.option("--strength", options.strength);
  if (options.resize != ResizeMode::crop) words.option("--resize", info(options.resize).names.name);
}

void add_own(Words& words, const InpaintOptions& options) {
  const InpaintOptions usual{};
  words.option("--strength", options.strength);
  words.unless(usual.mask_blur, "--mask-blur", options.mask_blur);
  if (options.invert) words.word("--invert");
  if (options.content != usual.content) words.option("--masked-content", info(options.content).names.name);
  if (options.only_masked) words.word("--only-masked");
  words.unless(usual.padding, "--padding", options.padding);
  if (!options.composite) words.word("--no-composite");
}

void add_own(Words& words, const OutpaintOptions& options) {
  words.option("--extend", extension_text(options.extension));
  words.unless(OutpaintOptions{}.overlap, "--overlap", options.overlap);
  words.if_set("--strength", options.strength);
}

void add_own(Words& words, const EditPictureOptions& options) {
  words.option("--image-cfg", options.image_cfg);
  if (options.resize != ResizeMode::crop) words.option("--resize", info(options.resize).names.name);
}

void add_model(Words& words, const ModelChoice& choice) {
  const ModelChoice usual{};
  words.option("--model", choice.model);
  words.unless(usual.vae, "--vae", choice.vae);
  for (const std::string& encoder : choice.text_encoders) words.option("--text-encoder", encoder);
  words.unless(usual.variant, "--variant", choice.variant);
  words.unless(usual.prediction, "--prediction", choice.prediction);
  if (choice.zero_terminal_snr) words.word("--zero-terminal-snr");
}

void add_sampling(Words& words, const GenerateOptions& options) {
  const GenerateOptions usual{};
  words.option("--steps", options.steps);
  words.option("--cfg", options.cfg);
  if (const GuidanceInterval& interval = options.guidance_interval; interval != usual.guidance_interval)
    words.option("--guidance-interval", fmt::format("{},{}", interval.from, interval.to));
  words.unless(usual.cache, "--cache", options.cache);
  words.option("--sampler", options.sampler);
  words.option("--schedule", options.schedule);
  const MicroConditioning& micro = options.micro;
  words.if_set("--original-size", micro.original_size);
  if (micro.crop) words.option("--crop", fmt::format("{},{}", micro.crop->left, micro.crop->top));
  words.if_set("--target-size", micro.target_size);
  words.if_set("--aesthetic-score", micro.aesthetic_score);
  words.if_set("--negative-aesthetic-score", micro.negative_aesthetic_score);
  words.if_set("--seed", options.seed);
  words.unless(usual.rng, "--rng", options.rng);
  words.unless(usual.precision, "--precision", options.precision);
}

}  // namespace

std::vector<std::string> command_words(TaskOptions task, const ModelChoice& model, const TaskFiles& files) {
  Words words;
  const GenerateOptions& common = common_options(task);
  words.word(task_name(task));
  const std::string none;
  words.unless(none, "--input", files.input);
  words.unless(none, "--mask", files.mask);
  words.option("--prompt", common.prompt);
  words.unless(none, "--negative", common.negative_prompt);
  add_model(words, model);
  words.option("--output", files.output);
  words.unless(std::int64_t{0}, "--width", common.width);
  words.unless(std::int64_t{0}, "--height", common.height);
  add_sampling(words, common);
  std::visit([&](const auto& options) { add_own(words, options); }, task);
  return words.take();
}

std::string shell_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + shell_word(word);
  return text;
}

}  // namespace safelight::cli
