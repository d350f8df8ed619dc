#include "apps/cli/forecast_text.h"

#include <fmt/format.h>

#include "core/human.h"
#include "core/json_text.h"

namespace safelight::cli {
namespace {

using Phase = GenerateForecast::Phase;

std::string duration(double ms) {
  if (ms < 1000) return fmt::format("{:.0f} ms", ms);
  if (ms < 99'500) return fmt::format("{:.1f} s", ms / 1000);
  if (ms < 99.5 * 60'000) return fmt::format("{:.0f} min", ms / 60'000);
  return fmt::format("{:.0f} hours", ms / 3'600'000);
}

std::string in_tiles(std::int64_t tiles) { return tiles == 1 ? " as a whole" : fmt::format(" in {} tiles", tiles); }

std::string how_stepped(const GenerateForecast& f, const GenerateForecast::Pass& pass) {
  std::string text = f.batch > 1 ? fmt::format(" each, {} pictures together", f.batch) : " each";
  if (pass.full_steps < static_cast<double>(pass.steps))
    text += fmt::format(" in full; all are as much work as {:.1f}", pass.full_steps);
  return f.texts_in_turn ? text + ", the two texts one after the other" : text;
}

std::string line(std::string_view name, const GenerateForecast& f, const Phase& phase, std::string_view remark) {
  return fmt::format("  {:<7} {:>8}, of which {:>8} of the model's file; {:>7}{}\n", name,
                     human_bytes(f.program_bytes + phase.weight_bytes + phase.activation_bytes),
                     human_bytes(phase.weight_bytes), duration(phase.ms), remark);
}

std::string lines(const GenerateForecast& f, const GenerateForecast::Pass& pass) {
  std::string text;
  if (pass.encode_tiles > 0) text += line("encode", f, pass.encode, in_tiles(pass.encode_tiles));
  text += line("step", f, pass.step, how_stepped(f, pass));
  if (pass.decode_tiles > 0)
    text += line("decode", f, pass.decode, (f.count > 1 ? " each," : "") + in_tiles(pass.decode_tiles));
  return text;
}

std::string steps_text(const GenerateForecast::Pass& pass) {
  return counted(static_cast<std::uint64_t>(pass.steps), "step");
}

std::string phase_json(std::string_view name, const Phase& phase) {
  return fmt::format(",\"{}\":{{\"weight_bytes\":{},\"activation_bytes\":{},\"ms\":{:.3f}}}", name, phase.weight_bytes,
                     phase.activation_bytes, phase.ms);
}

std::string pass_json(const GenerateForecast::Pass& pass) {
  return fmt::format(
             "{{\"width\":{},\"height\":{},\"steps\":{},\"full_steps\":{:.3f},\"encode_tiles\":{},\"decode_tiles\":{}",
             pass.width, pass.height, pass.steps, pass.full_steps, pass.encode_tiles, pass.decode_tiles) +
         phase_json("encode", pass.encode) + phase_json("step", pass.step) + phase_json("decode", pass.decode) + "}";
}

}  // namespace

std::string forecast_text(const GenerateForecast& f) {
  std::string text = fmt::format("{} of {} x {} pixels",
                                 f.count == 1 ? "1 picture" : fmt::format("{} pictures", f.count), f.width, f.height);
  for (const GenerateForecast::Pass& pass : f.passes)
    text += f.passes.size() > 1 || pass.width != f.width || pass.height != f.height
                ? fmt::format(", {} at {} x {}", steps_text(pass), pass.width, pass.height)
                : ", " + steps_text(pass);
  text += fmt::format(" of {}, {} schedule", f.sampler, f.schedule);
  text += f.precision == GenerateOptions().precision ? "\n" : fmt::format(", in {}\n", f.precision);
  text += line("text", f, f.text, "");
  for (const GenerateForecast::Pass& pass : f.passes) text += lines(f, pass);
  return text +
         fmt::format("peak memory {}; about {} in all\n", human_bytes(f.peak_memory_bytes), duration(f.total_ms));
}

std::string forecast_json(const GenerateForecast& f, const Model& model) {
  std::string text = fmt::format(
      "{{\"model\":{},\"width\":{},\"height\":{},\"count\":{},\"batch\":{},\"sampler\":{},\"schedule\":{},"
      "\"rng\":{},\"precision\":{},\"instruction_set\":{},\"texts_in_turn\":{},\"program_bytes\":{}",
      json_string(model.path().native()), f.width, f.height, f.count, f.batch, json_string(f.sampler),
      json_string(f.schedule), json_string(f.rng), json_string(f.precision), json_string(f.instruction_set),
      f.texts_in_turn, f.program_bytes);
  text += phase_json("text", f.text) + ",\"passes\":[";
  for (std::size_t i = 0; i < f.passes.size(); ++i) text += (i ? "," : "") + pass_json(f.passes[i]);
  text += fmt::format("],\"peak_memory_bytes\":{},\"total_ms\":{:.3f},\"warnings\":[", f.peak_memory_bytes, f.total_ms);
  for (std::size_t i = 0; i < f.warnings.size(); ++i) text += (i ? "," : "") + json_string(f.warnings[i]);
  return text + "]}\n";
}

}  // namespace safelight::cli
