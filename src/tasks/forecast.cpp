// What a job would do and take.
#include <vector>

#include "core/fresh_memory.h"
#include "tasks/engine.h"
#include "tasks/pace.h"
#include "tasks/precisions.h"
#include "tasks/stopwatch.h"
#include "tasks/weights.h"

namespace safelight {
namespace {

Tensor zeros(Shape shape) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  for (float& value : t.mutable_floats()) value = 0;
  return t;
}

// Steps that take less by the pace are tried out: at 256x256 Stable Diffusion 1.x has maps so small, and rows so few,
// that it takes half as long again as the pace says. They are most of a run, so a longer trial is worth its time.
constexpr double kStepTriedOut = 1000;  // ms

// Times the phases of a plan: as long as a trial of them takes, of a part of the picture where the whole would take
// long. Long steps and texts are as long as the pace says: they are what it is measured for, and of a small
// part of a picture reading the weights would be most.
class Clock {
 public:
  Clock(Model::State& model, const SamplingPlan& plan)
      : model_(model),
        plan_(plan),
        type_(unet_type(model.networks)),
        pace_(measure_pace(*model.backend, plan.precision, type_)) {}

  double text_ms() {
    const std::int64_t texts = plan_.guided() && !plan_.negative_is_blank ? 2 : 1;
    const auto ids = model_.networks.text_encoders.blank(texts);
    const Pace pace =
        plan_.precision == Precision::full ? pace_ : measure_pace(*model_.backend, Precision::full, type_);
    return ms(
        pace, plan_.memory.text.work, [&] { return model_.networks.text_encoders(ids, texts); }, Repeated::no);
  }

  double encode_ms(std::size_t pass) {
    const PassMemory& memory = plan_.memory.passes[pass];
    const std::int64_t factor = model_.networks.size_multiple();
    return vae_ms(memory.encode.work, pass, [&](const Shape& part) {
      return encode_in_tiles(model_.networks.vae_encoder, zeros({1, part[1] * factor, part[2] * factor, 3}),
                             memory.encode_tiles, *model_.backend);
    });
  }

  double step_ms(std::size_t pass) {
    const bool in_turn = plan_.guided() && plan_.memory.answers == Answers::in_turn;
    const std::int64_t answers = plan_.guided() ? std::ssize(plan_.scales) + 1 : 1;
    const std::int64_t calls = in_turn ? answers : 1, images = plan_.memory.batch * answers / calls;
    UNet& unet = model_.networks.unet;
    const Tensor vector = unet.vector_width() > 0 ? zeros({images, unet.vector_width()}) : Tensor();
    Shape shape = plan_.passes[pass].latents;
    shape[0] = images;
    shape[3] = unet.in_channels();
    const std::vector<float> timesteps(static_cast<std::size_t>(images), 500.0f);
    const TextContext text =
        unet.prepare(zeros({images, model_.networks.text_encoders.positions(), unet.context_width()}), vector);
    const auto step = [&] {
      const Tensor x = zeros(shape);
      for (std::int64_t i = 1; i < calls; ++i) static_cast<void>(unet(x, timesteps, text));
      return unet(x, timesteps, text);
    };
    return ms(pace_, plan_.memory.passes[pass].step.work, step, Repeated::yes);
  }

  double decode_ms(std::size_t pass) {
    const PassMemory& memory = plan_.memory.passes[pass];
    return vae_ms(memory.decode.work, pass, [&](const Shape& part) {
      return decode_in_tiles(model_.networks.vae_decoder, zeros(part), memory.decode_tiles, *model_.backend);
    });
  }

 private:
  enum class Repeated { no, yes };

  // Of two runs the second: the first reads the file, tries how to cut the ops, and fetches memory. What is repeated in
  // earnest finds that memory there; what is not, finds little of it.
  template <class Run>
  double ms(const Pace& pace, const Work& work, const Run& run, Repeated repeated) {
    const double by_pace = pace.ms(work);
    if (by_pace > (repeated == Repeated::yes ? kStepTriedOut : kTriedOut)) return by_pace;
    static_cast<void>(run());
    return timed(run, repeated);
  }

  // Likewise of a run for latents, or for a part of them; and a run for one latent pixel reads the file as well.
  template <class Run>
  double vae_ms(const Work& work, std::size_t pass, const Run& run) {
    const Shape& latents = plan_.passes[pass].latents;
    static_cast<void>(run({1, 1, 1, latents[3]}));
    return ms_for_latents(pace_, work, latents, [&](const Shape& part) {
      const Rehearsal rehearsal = model_.backend->rehearse([&] { static_cast<void>(run(part)); });
      return Trial{.work = rehearsal.work, .ms = timed([&] { return run(part); }, Repeated::no)};
    });
  }

  // What is done once for a picture takes most of its memory from the system, and maps its weights: a fifth of the
  // decoder's time for large pictures. Here it is all of its memory; in earnest what the phase before took is there.
  template <class Run>
  double timed(const Run& run, Repeated repeated) {
    if (repeated == Repeated::no) {
      model_.backend->trim(0);
      release_freed_memory();
      release_all_weights(model_.networks);
    }
    const Stopwatch stopwatch;
    static_cast<void>(run());
    return stopwatch.ms();
  }

  Model::State& model_;
  const SamplingPlan& plan_;
  const DType type_;
  const Pace pace_;
};

GenerateForecast::Phase phase(const PhasePlan& plan, double ms) {
  return {.weight_bytes = plan.weights, .activation_bytes = plan.activations(), .ms = ms};
}

// `encodes`: pictures that are encoded before the first pass.
GenerateForecast::Pass forecast_pass(const SamplingPlan& plan, std::size_t index, double encodes, Clock& clock) {
  const PassPlan& pass = plan.passes[index];
  const PassMemory& memory = plan.memory.passes[index];
  GenerateForecast::Pass result;
  result.width = pass.width;
  result.height = pass.height;
  result.steps = pass.run();
  result.full_steps = plan.full_steps(index);
  result.step = phase(memory.step, clock.step_ms(index));
  if (memory.encodes) {
    result.encode_tiles = count_tiles(pass.latents, memory.encode_tiles);
    result.encode = phase(memory.encode, encodes * clock.encode_ms(index));
  }
  if (memory.decodes) {
    result.decode_tiles = count_tiles(pass.latents, memory.decode_tiles);
    result.decode = phase(memory.decode, clock.decode_ms(index));
  }
  return result;
}

}  // namespace

GenerateForecast forecast_job(Model& model, const GenerateOptions& options, const Job& job) {
  Model::State& state = model.state();
  const SamplingPlan plan = plan_sampling(state, options, job);
  Clock clock(state, plan);
  GenerateForecast result;
  result.width = job.width;
  result.height = job.height;
  result.count = plan.count;
  result.batch = plan.batch_at(0);
  result.sampler = plan.sampler->names.name;
  result.schedule = info(plan.spacing).names.name;
  result.rng = info(plan.rng).names.name;
  result.precision = info(plan.precision).names.name;
  result.instruction_set = state.backend->instruction_set();
  result.warnings = job.warnings;
  result.warnings.insert(result.warnings.end(), plan.warnings.begin(), plan.warnings.end());
  result.texts_in_turn = plan.guided() && plan.memory.answers == Answers::in_turn;
  result.program_bytes = plan.memory.program;
  result.text = {.weight_bytes = plan.memory.text.weights,
                 .activation_bytes = plan.memory.text.activations(),
                 .ms = clock.text_ms()};
  result.peak_memory_bytes = plan.memory.peak();
  result.total_ms = result.text.ms;
  for (std::size_t pass = 0; pass < plan.passes.size(); ++pass) {
    const auto count = static_cast<double>(plan.count), batches = static_cast<double>(plan.batches());
    const double encodes = pass > 0 ? count : (job.picture.empty() ? 0 : 1) + (job.seen.empty() ? 0 : 1);
    const GenerateForecast::Pass& made = result.passes.emplace_back(forecast_pass(plan, pass, encodes, clock));
    result.total_ms += made.encode.ms + batches * made.full_steps * made.step.ms + count * made.decode.ms;
  }
  state.backend->trim(0);
  return result;
}

}  // namespace safelight
