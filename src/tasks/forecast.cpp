// What generate() would do and take.
#include "safelight/generate.h"
#include "tasks/generate_plan.h"
#include "tasks/pace.h"
#include "tasks/stopwatch.h"

namespace safelight {
namespace {

// What takes less than this by the machine's pace is tried out instead: small ops are not as fast as large ones.
constexpr double kTriedOut = 250;  // ms

GenerateForecast::Phase phase(const PhasePlan& plan, double ms) {
  return {.weight_bytes = plan.weights, .activation_bytes = plan.activations(), .ms = ms};
}

Tensor zeros(Shape shape) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  for (float& value : t.mutable_floats()) value = 0;
  return t;
}

// The second of two runs: the first fetches memory and weights.
template <class Run>
double second_ms(const Run& run) {
  static_cast<void>(run());
  const Stopwatch stopwatch;
  static_cast<void>(run());
  return stopwatch.ms();
}

// Times the phases of a plan. They are as long as the pace says, or as the trial says where that is short.
class Clock {
 public:
  Clock(Model::State& model, const GeneratePlan& plan)
      : model_(model), plan_(plan), pace_(measure_pace(*model.backend)) {}

  double text_ms() {
    const std::int64_t texts = plan_.guided() ? 2 : 1;
    const auto ids = model_.networks.text_encoders.blank(texts);
    return ms(plan_.memory.text.work, [&] { return model_.networks.text_encoders(ids, texts); });
  }

  double step_ms() {
    const std::int64_t calls = plan_.guided() && plan_.memory.passes == Passes::in_turn ? 2 : 1;
    const std::int64_t images = plan_.guided() ? 2 / calls : 1;
    Shape shape = plan_.latents;
    shape[0] = images;
    const std::vector<float> timesteps(static_cast<std::size_t>(images), 500.0f);
    UNet& unet = model_.networks.unet;
    const Tensor vector = unet.vector_width() > 0 ? zeros({images, unet.vector_width()}) : Tensor();
    const TextContext text =
        unet.prepare(zeros({images, model_.networks.text_encoders.positions(), unet.context_width()}), vector);
    const auto step = [&] {
      const Tensor x = zeros(shape);
      for (std::int64_t i = 1; i < calls; ++i) static_cast<void>(unet(x, timesteps, text));
      return unet(x, timesteps, text);
    };
    return ms(plan_.memory.step.work, step);
  }

  double decode_ms() {
    return ms(plan_.memory.decode.work, [&] {
      return decode_in_tiles(model_.networks.vae_decoder, zeros(plan_.latents), plan_.memory.tiles, *model_.backend);
    });
  }

 private:
  template <class Run>
  double ms(const Work& work, const Run& run) {
    const double by_pace = pace_.ms(work);
    return by_pace < kTriedOut ? second_ms(run) : by_pace;
  }

  Model::State& model_;
  const GeneratePlan& plan_;
  const Pace pace_;
};

}  // namespace

GenerateForecast forecast(Model& model, const GenerateOptions& options) {
  Model::State& state = model.state();
  const GeneratePlan plan = plan_generate(state, options);
  Clock clock(state, plan);
  GenerateForecast result;
  result.width = plan.width;
  result.height = plan.height;
  result.steps = plan.steps;
  result.count = plan.count;
  result.sampler = plan.sampler->names.name;
  result.schedule = info(plan.spacing).names.name;
  result.rng = info(plan.rng).names.name;
  result.decode_tiles = plan.memory.decode_tiles(plan.latents);
  result.texts_in_turn = plan.guided() && plan.memory.passes == Passes::in_turn;
  result.program_bytes = plan.memory.program;
  result.text = phase(plan.memory.text, clock.text_ms());
  result.step = phase(plan.memory.step, clock.step_ms());
  result.decode = phase(plan.memory.decode, clock.decode_ms());
  result.peak_memory_bytes = plan.memory.peak();
  result.full_steps = plan.full_steps();
  result.total_ms =
      result.text.ms + static_cast<double>(plan.count) * (result.full_steps * result.step.ms + result.decode.ms);
  state.backend->trim();
  return result;
}

}  // namespace safelight
