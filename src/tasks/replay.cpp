#include "tasks/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <type_traits>
#include <utility>

#include "core/fail.h"
#include "core/number_text.h"
#include "core/printable.h"
#include "diffusion/noise_schedule.h"
#include "diffusion/random.h"
#include "diffusion/samplers.h"
#include "image/extension_text.h"
#include "image/masked_content.h"
#include "image/resize_mode.h"
#include "tasks/field_names.h"
#include "tasks/precisions.h"
#include "tasks/prompt_markup.h"
#include "tasks/upscalers.h"

namespace safelight {
namespace {

// --- settings without a place here ----------------------------------------------------------------------------------

// Other programs' settings about which there is more to say than that they are unknown. With a value that is listed as
// harmless, nothing is amiss; "*" is any.
struct OtherSetting {
  std::string_view field, harmless, reason;
};
constexpr std::string_view kFirstPass = "the second pass has that of the first";
constexpr std::array<OtherSetting, 21> kOthers{{
    {field::kVersion, "*", ""},
    {"User", "*", ""},
    {"Init image hash", "*", ""},  // of the picture that is worked on
    {"Hashes", "*", ""},           // of what other fields name
    {"Clip skip", "1", "the text encoder's layer is the one that the model was trained with"},
    {"Lora", "", "networks are not loaded; `safelight merge` adds one to a model"},
    {"Lora hashes", "", "networks are not loaded; `safelight merge` adds one to a model"},
    {"TI hashes", "", "textual inversions are not read"},
    {"Variation seed strength", "0", "seeds are not mixed"},
    {"Variation seed", "*", ""},  // without a strength, nothing
    {"ENSD", "0", "there is one seed for all noise"},
    {"Eta", "1", "the samplers have their own"},
    {"Face restoration", "None", "faces are left as they are"},
    {"Tiling", "False", "edges do not meet"},
    {"Refiner", "None", "one model makes a picture from first to last step"},
    {"Refiner switch at", "*", ""},
    {"Hires sampler", "Use same sampler", kFirstPass},
    {"Hires schedule type", "Use same scheduler", kFirstPass},
    {"Hires checkpoint", "Use same checkpoint", kFirstPass},
    {"Hires prompt", "", kFirstPass},
    {"Hires negative prompt", "", kFirstPass},
}};

std::optional<std::string_view> why_unmet(std::string_view name, std::string_view value) {
  const auto known = std::ranges::find(kOthers, name, &OtherSetting::field);
  if (known == kOthers.end()) return "there is no such setting here";
  if (known->harmless == "*" || known->harmless == value) return std::nullopt;
  return known->reason;
}

// --- reading --------------------------------------------------------------------------------------------------------

// The settings, of which those that were asked for count as met.
class Fields {
 public:
  explicit Fields(const Infotext& settings) : settings_(settings) {}

  bool has(std::string_view name) const { return settings_.find(name) != nullptr; }

  const std::string* take(std::string_view name) {
    taken_.insert(name);
    return settings_.find(name);
  }

  std::string text(std::string_view name) {
    const std::string* value = take(name);
    return value ? *value : std::string();
  }

  std::vector<std::string> all(std::string_view name) {
    taken_.insert(name);
    std::vector<std::string> values;
    for (const auto& [field, value] : settings_.fields)
      if (field == name) values.push_back(value);
    return values;
  }

  template <class Number>
  std::optional<Number> number(std::string_view name) {
    return parsed(name, "a number", [](std::string_view text) { return one_number<Number>(text); });
  }

  template <class Number>
  std::optional<std::pair<Number, Number>> pair(std::string_view name, char between) {
    return parsed(name, "two numbers", [&](std::string_view text) { return two_numbers<Number>(text, between); });
  }

  // What `parse` makes of a field; nothing if there is none.
  template <class Parse>
  auto parsed(std::string_view name, std::string_view expected, const Parse& parse)
      -> decltype(parse(std::string_view())) {
    const std::string* value = take(name);
    if (!value) return std::nullopt;
    auto result = parse(*value);
    if (!result)
      fail(ErrorCategory::format, "[{}] expected {} in the picture's settings, found '{}'", name, expected,
           printable(*value));
    return result;
  }

  const std::string& required(std::string_view name) {
    const std::string* value = take(name);
    if (!value)
      fail(ErrorCategory::usage, "[{}] the picture does not tell it, and without it cannot be made again", name);
    return *value;
  }

  // Met, but otherwise than it was meant.
  void add_unmet(std::string_view name, std::string_view value, std::string_view reason) {
    unmet_.push_back({std::string(name), std::string(value), std::string(reason)});
  }

  std::vector<UnmetSetting> unmet() const {
    std::vector<UnmetSetting> result, otherwise = unmet_;
    for (const auto& [name, value] : settings_.fields) {
      if (const auto at = std::ranges::find(otherwise, name, &UnmetSetting::field); at != otherwise.end()) {
        result.push_back(std::move(*at));
        otherwise.erase(at);
      } else if (!taken_.contains(name)) {
        if (const auto reason = why_unmet(name, value)) result.push_back({name, value, std::string(*reason)});
      }
    }
    std::ranges::move(otherwise, std::back_inserter(result));  // the prompts, which are no fields
    return result;
  }

 private:
  const Infotext& settings_;
  std::set<std::string_view> taken_;
  std::vector<UnmetSetting> unmet_;
};

std::optional<bool> truth(std::string_view text) {
  if (text == "true") return true;
  return text == "false" ? std::optional(false) : std::nullopt;
}

std::optional<PictureSize> size_field(Fields& fields, std::string_view name) {
  const auto size = fields.pair<std::int64_t>(name, 'x');
  if (!size) return std::nullopt;
  return PictureSize{.width = size->first, .height = size->second};
}

// What a name out of one of our tables means: the picture's, unless another was chosen; nothing if there is neither.
template <class Parse>
auto parsed_name(Fields& fields, std::string_view name, const std::string* said,
                 const std::optional<std::string>& chosen, std::string_view option, const Parse& parse)
    -> std::optional<decltype(parse(std::string_view()))> {
  if (chosen) {
    if (said) fields.add_unmet(name, *said, fmt::format("{} was chosen in its place", *chosen));
    return parse(*chosen);
  }
  if (!said) return std::nullopt;
  try {
    return parse(*said);
  } catch (const Error& error) {
    fail(ErrorCategory::usage, "{}: with another this would not be the same picture; --{} chooses one all the same",
         printable(error.what()), option);
  }
}

// --- what pictures say ----------------------------------------------------------------------------------------------

ModelOfPicture model_of(Fields& fields) {
  return {.hash = fields.text(field::kModelHash),
          .name = fields.text(field::kModel),
          .vae_hash = fields.text(field::kVaeHash),
          .vae = fields.text(field::kVae),
          .text_encoders = fields.all(field::kTextEncoder),
          .variant = fields.text(field::kVariant),
          .prediction = fields.text(field::kPrediction),
          .zero_terminal_snr = fields.parsed(field::kZeroTerminalSnr, "true or false", truth)};
}

MicroConditioning micro_of(Fields& fields) {
  MicroConditioning micro{.original_size = size_field(fields, field::kOriginalSize),
                          .target_size = size_field(fields, field::kTargetSize),
                          .aesthetic_score = fields.number<double>(field::kAestheticScore),
                          .negative_aesthetic_score = fields.number<double>(field::kNegativeAestheticScore)};
  if (const auto crop = size_field(fields, field::kCrop))
    micro.crop = PictureCorner{.left = crop->width, .top = crop->height};
  return micro;
}

GenerateOptions common_of(Fields& fields, const Infotext& settings, SettingsForm form, const ReplayChoices& choices) {
  const bool comfy = form == SettingsForm::comfy_graph;
  GenerateOptions options{.prompt = settings.prompt, .negative_prompt = settings.negative_prompt};
  fields.required(field::kSteps);
  options.steps = *fields.number<std::int64_t>(field::kSteps);
  const std::string* const sampler = choices.sampler ? fields.take(field::kSampler) : &fields.required(field::kSampler);
  const SamplerChoice choice =
      parsed_name(fields, field::kSampler, sampler, choices.sampler, "sampler", parse_sampler).value();
  const Spacing spacing =
      parsed_name(fields, field::kSchedule, fields.take(field::kSchedule), choices.schedule, "schedule", parse_spacing)
          .value_or(Spacing::automatic);
  options.sampler = choice.sampler->names.name;
  options.schedule = info(spacing == Spacing::automatic ? choice.spacing : spacing).names.name;
  fields.required(field::kSeed);
  options.seed = fields.number<std::uint64_t>(field::kSeed);
  // A guider of ComfyUI that has no scale guides by the prompt alone.
  if (!comfy) fields.required(field::kCfg);
  options.cfg = fields.number<double>(field::kCfg).value_or(1);
  // ComfyUI does not tell: there it is always so. A1111 tells all but its GPU's.
  options.rng = comfy ? "cpu" : "philox";
  if (const std::string* rng = fields.take(field::kRng)) options.rng = info(parse_rng(*rng)).names.name;
  if (const std::string* precision = fields.take(field::kPrecision))
    options.precision = info(parse_precision(*precision)).names.name;
  if (const auto cache = fields.number<std::int64_t>(field::kCache)) options.cache = *cache;
  if (const auto interval = fields.pair<double>(field::kGuidanceInterval, '-'))
    options.guidance_interval = {.from = interval->first, .to = interval->second};
  options.micro = micro_of(fields);
  if (const std::string* noise = fields.take(field::kStartNoise))
    fields.add_unmet(field::kStartNoise, *noise, "it is not in the picture, but in the file that --init-latents took");
  return options;
}

HiresOptions hires_of(Fields& fields, double strength, const ReplayChoices& choices) {
  HiresOptions hires{.strength = strength};
  if (const auto size = size_field(fields, field::kHiresResize)) {
    hires.width = size->width;
    hires.height = size->height;
  } else {
    hires.scale = fields.number<double>(field::kHiresUpscale).value_or(0);
  }
  hires.steps = fields.number<std::int64_t>(field::kHiresSteps).value_or(0);
  const auto upscaler = parsed_name(fields, field::kHiresUpscaler, fields.take(field::kHiresUpscaler),
                                    choices.hires_upscaler, "hires-upscaler", parse_upscaler);
  if (upscaler) hires.upscaler = upscaler->names.name;
  return hires;
}

ResizeMode resize_of(Fields& fields) {
  const std::string* mode = fields.take(field::kResizeMode);
  return mode ? parse_resize_mode(*mode) : ResizeMode::crop;
}

InpaintOptions inpaint_of(Fields& fields, GenerateOptions common, double strength) {
  InpaintOptions options{.generate = std::move(common), .strength = strength};
  options.invert = fields.text(field::kMaskMode) == field::kNotMasked;
  options.mask_blur = fields.number<double>(field::kMaskBlur).value_or(options.mask_blur);
  options.only_masked = fields.text(field::kInpaintArea) == field::kOnlyMasked;
  options.padding = fields.number<std::int64_t>(field::kPadding).value_or(options.padding);
  if (const std::string* content = fields.take(field::kMaskedContent)) options.content = parse_masked_content(*content);
  options.composite = fields.parsed(field::kComposite, "true or false", truth).value_or(true);
  if (!options.only_masked) options.generate.width = options.generate.height = 0;
  return options;
}

OutpaintOptions outpaint_of(Fields& fields, GenerateOptions common, std::optional<double> strength) {
  OutpaintOptions options{.generate = std::move(common), .strength = strength};
  options.extension = *fields.parsed(field::kOutpaint, "left=N,top=N,right=N,bottom=N", parse_extension);
  options.overlap = fields.number<std::int64_t>(field::kOverlap).value_or(options.overlap);
  options.generate.width = options.generate.height = 0;
  return options;
}

template <std::size_t N>
bool has_any(const Fields& fields, const std::array<std::string_view, N>& names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return fields.has(name); });
}

// Which task it was, its own fields tell.
TaskOptions task_of(Fields& fields, GenerateOptions common, SettingsForm form, const PictureSize& own,
                    const ReplayChoices& choices) {
  constexpr std::array kOfHires{field::kHiresUpscale, field::kHiresResize, field::kHiresUpscaler};
  constexpr std::array kOfInpaint{field::kMaskMode, field::kMaskBlur, field::kInpaintArea, field::kPadding,
                                  field::kMaskedContent};
  const auto strength = fields.number<double>(field::kStrength);
  const auto size = size_field(fields, field::kSize);
  if (size) {
    common.width = size->width;
    common.height = size->height;
  }
  if (fields.has(field::kOutpaint)) return outpaint_of(fields, std::move(common), strength);
  if (has_any(fields, kOfInpaint))
    return inpaint_of(fields, std::move(common), strength.value_or(InpaintOptions{}.strength));
  if (fields.has(field::kImageCfg))
    return EditPictureOptions{.generate = std::move(common),
                              .image_cfg = *fields.number<double>(field::kImageCfg),
                              .resize = resize_of(fields)};
  const bool is_hires = has_any(fields, kOfHires);
  // In ComfyUI every picture has a strength, that of one made from words is 1.
  const bool from_noise = !strength || (form == SettingsForm::comfy_graph && *strength == 1);
  if (!is_hires && !from_noise)
    return TransformOptions{.generate = std::move(common), .strength = *strength, .resize = resize_of(fields)};
  if (is_hires) common.hires = hires_of(fields, strength.value_or(HiresOptions{}.strength), choices);
  if (!size && !is_hires) {
    common.width = own.width;
    common.height = own.height;
  }
  return common;
}

// What every program does in its own way.
void compare_with_others(Fields& fields, const Infotext& settings, SettingsForm form, const TaskOptions& task) {
  for (const auto& [name, prompt] :
       {std::pair{"Prompt", &settings.prompt}, {"Negative prompt", &settings.negative_prompt}})
    if (const std::string_view markup = unread_markup(*prompt); !markup.empty())
      fields.add_unmet(name, markup, "weights, networks, escapes and BREAK in prompts are read as plain text");
  const GenerateOptions* const generate = std::get_if<GenerateOptions>(&task);
  if (const std::string* strength = settings.find(field::kStrength); strength && (!generate || generate->hires))
    fields.add_unmet(field::kStrength, *strength,
                     form == SettingsForm::comfy_graph ? "int(steps * strength) steps are run, in ComfyUI all of them"
                                                       : "int(steps * strength) steps are run, in A1111 one more");
  if (const std::string* blur = settings.find(field::kMaskBlur); blur && *blur != "0")
    fields.add_unmet(field::kMaskBlur, *blur, "the mask is softened inwards only, in A1111 to both sides");
}

}  // namespace

std::string_view task_name(const TaskOptions& task) noexcept {
  constexpr std::array<std::string_view, std::variant_size_v<TaskOptions>> kNames{"generate", "transform", "inpaint",
                                                                                  "outpaint", "edit"};
  return kNames[task.index()];
}

GenerateOptions& common_options(TaskOptions& task) {
  const auto common = []<class Of>(Of& options) -> GenerateOptions& {
    if constexpr (std::is_same_v<Of, GenerateOptions>)
      return options;
    else
      return options.generate;
  };
  return std::visit(common, task);
}

Replay replay_of(const Infotext& settings, SettingsForm form, const PictureSize& size, const ReplayChoices& choices) {
  Fields fields(settings);
  Replay replay{.task = GenerateOptions{}, .model = model_of(fields), .unmet = {}};
  replay.task = task_of(fields, common_of(fields, settings, form, choices), form, size, choices);
  const std::string* const version = settings.find(field::kVersion);
  if (!version || !version->starts_with(field::kSafelight)) compare_with_others(fields, settings, form, replay.task);
  replay.unmet = fields.unmet();
  return replay;
}

}  // namespace safelight
