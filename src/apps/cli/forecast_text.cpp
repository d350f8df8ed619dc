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

std::string how_decoded(const GenerateForecast& f) {
  return f.decode_tiles == 1 ? "as a whole" : fmt::format("in {} tiles", f.decode_tiles);
}

std::string how_stepped(const GenerateForecast& f) {
  std::string text = " each";
  if (f.full_steps < static_cast<double>(f.steps))
    text += fmt::format(" in full; all are as much work as {:.1f}", f.full_steps);
  return f.texts_in_turn ? text + ", the two texts one after the other" : text;
}

std::string line(std::string_view name, const GenerateForecast& f, const Phase& phase, std::string_view remark) {
  return fmt::format("  {:<7} {:>8}, of which {:>8} of the model's file; {:>7}{}\n", name,
                     human_bytes(f.program_bytes + phase.weight_bytes + phase.activation_bytes),
                     human_bytes(phase.weight_bytes), duration(phase.ms), remark);
}

std::string phase_json(std::string_view name, const Phase& phase) {
  return fmt::format(",\"{}\":{{\"weight_bytes\":{},\"activation_bytes\":{},\"ms\":{:.3f}}}", name, phase.weight_bytes,
                     phase.activation_bytes, phase.ms);
}

}  // namespace

std::string forecast_text(const GenerateForecast& f) {
  return fmt::format("{} of {} x {} pixels, {} steps of {}, {} schedule\n",
                     f.count == 1 ? "1 picture" : fmt::format("{} pictures", f.count), f.width, f.height, f.steps,
                     f.sampler, f.schedule) +
         line("text", f, f.text, "") + line("step", f, f.step, how_stepped(f)) +
         line("decode", f, f.decode, fmt::format(" {}", how_decoded(f))) +
         fmt::format("peak memory {}; about {} in all\n", human_bytes(f.peak_memory_bytes), duration(f.total_ms));
}

std::string forecast_json(const GenerateForecast& f, const Model& model) {
  return fmt::format(
             "{{\"model\":{},\"width\":{},\"height\":{},\"steps\":{},\"count\":{},\"sampler\":{},\"schedule\":{},"
             "\"rng\":{},\"decode_tiles\":{},\"texts_in_turn\":{},\"full_steps\":{:.3f},\"program_bytes\":{}",
             json_string(model.path().native()), f.width, f.height, f.steps, f.count, json_string(f.sampler),
             json_string(f.schedule), json_string(f.rng), f.decode_tiles, f.texts_in_turn, f.full_steps,
             f.program_bytes) +
         phase_json("text", f.text) + phase_json("step", f.step) + phase_json("decode", f.decode) +
         fmt::format(",\"peak_memory_bytes\":{},\"total_ms\":{:.3f}}}\n", f.peak_memory_bytes, f.total_ms);
}

}  // namespace safelight::cli
