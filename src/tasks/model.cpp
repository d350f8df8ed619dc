// Opening a checkpoint for the tasks.
#include <memory>

#include "backends/make_backend.h"
#include "core/fail.h"
#include "tasks/model_state.h"
#include "tasks/predictions.h"
#include "tasks/stopwatch.h"

namespace safelight {
namespace {

constexpr int kMaxThreads = 1024;

}  // namespace

Model Model::open(const std::filesystem::path& path, const Context& context) {
  return open(path, ModelOptions{}, context);
}

Model Model::open(const std::filesystem::path& path, const ModelOptions& options, const Context& context) {
  const Stopwatch stopwatch;
  if (context.threads < 0 || context.threads > kMaxThreads)
    fail(ErrorCategory::usage, "[threads] expected 1 to {}, or 0 for all cores; found {}", kMaxThreads,
         context.threads);
  const Training training{.prediction = parse_prediction(options.prediction),
                          .zero_terminal_snr = options.zero_terminal_snr};
  context.report("open", 0, 1);
  const Checkpoint file =
      Checkpoint::open(path, {.vae = options.vae, .text_encoders = options.text_encoders, .variant = options.variant});
  auto state = std::make_unique<State>(context, file, training);
  state->open_ms = stopwatch.ms();
  context.report("open", 1, 1);
  return Model(std::move(state));
}

Model::State::State(const Context& c, const Checkpoint& file, const Training& t)
    : context(c),
      hash(file.main_file()),
      vae_hash(file.sources().vae.empty() ? nullptr : std::make_unique<BackgroundHash>(file.vae_file())),
      backend(make_backend(c)),
      training(t),
      networks(StableDiffusion::open(file, *backend, training)),
      tokenizer(networks.text_encoders.positions()) {}

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

const std::filesystem::path& Model::path() const noexcept { return state_->networks.file.path(); }
std::int64_t Model::default_width() const noexcept { return state_->networks.default_width; }
std::int64_t Model::default_height() const noexcept { return state_->networks.default_height; }
std::int64_t Model::size_multiple() const noexcept { return state_->networks.size_multiple(); }
double Model::open_ms() const noexcept { return state_->open_ms; }

}  // namespace safelight
