#include "tasks/memory_plan.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <vector>

#include "core/available_memory.h"
#include "core/fail.h"
#include "core/human.h"
#include "format/residency.h"

namespace safelight {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// Smaller tiles differ visibly in tone from their neighbours; more of them on a side than this are not worth it.
constexpr std::int64_t kSmallestTile = 16, kMostTiles = 32;

// Whole latents that samplers and guidance hold at one time, in the C library's memory: measured with dpmpp_2m.
constexpr std::uint64_t kLatentCopies = 8;

// What the C library keeps of small blocks that a pool with spare memory gave back to it, and code that is first run
// later: 1 to 6 MB were measured. The middle is added to what is said; to keep a limit, room() is left besides.
constexpr std::uint64_t kFragments = 3'000'000;
std::uint64_t room(std::uint64_t peak) { return kFragments + peak / 200; }

std::uint64_t bytes_of(const Shape& shape) { return static_cast<std::uint64_t>(elements(shape)) * sizeof(float); }

double flop(const Work& work) { return work[WorkKind::conv3x3] + work[WorkKind::product] + work[WorkKind::attention]; }

// The largest side up to `most` whose tiles are about equal; 0 for a length that needs no division.
std::int64_t side_up_to(std::int64_t most, std::int64_t length) {
  if (length <= most) return 0;
  std::int64_t count = 2;
  while (tile_side(length, count) > most) ++count;
  return tile_side(length, count);
}

// Not divided, then ever smaller.
std::vector<VaeTiles> ways_to_divide(std::int64_t height, std::int64_t width) {
  std::vector<VaeTiles> ways{{}};
  const std::int64_t longest = std::max(height, width), smallest = std::max(kSmallestTile, longest / kMostTiles);
  for (std::int64_t side = longest; side > smallest;) {
    side = std::max(smallest, side * 3 / 4);
    ways.push_back({side_up_to(side, height), side_up_to(side, width)});
  }
  return ways;
}

class Planner {
 public:
  Planner(Model::State& model, const MemoryDemand& demand)
      : model_(model),
        backend_(*model.backend),
        demand_(demand),
        allowed_(demand.allowed ? demand.allowed : kUnlimited),
        available_(demand.available) {
    release_pages(model.networks.file);  // what is resident then stays so in every phase
    plan_.program = resident_memory();
    plan_.text.weights = bytes_below(model.networks.file, model.networks.text_encoder_prefix());
    plan_.step.weights = bytes_below(model.networks.file, StableDiffusion::kUNet);
    plan_.decode.weights = bytes_below(model.networks.file, StableDiffusion::kVaeDecoder);
  }

  MemoryPlan plan() {
    plan_text();
    plan_step();
    plan_decode();
    if (needed_ > 0) refuse();
    return plan_;
  }

 private:
  void plan_text() {
    const std::int64_t texts = demand_.guided ? 2 : 1;
    const auto ids = model_.networks.text_encoders.blank(texts);
    if (!fits(plan_.text, 0, [&] { model_.networks.text_encoders(ids, texts); })) lack(plan_.text);
  }

  void plan_step() {
    UNet& unet = model_.networks.unet;
    for (const Passes passes : {Passes::together, Passes::in_turn}) {
      if (passes == Passes::in_turn && !demand_.guided) break;
      plan_.passes = passes;
      const std::int64_t images = demand_.guided && passes == Passes::together ? 2 : 1;
      const std::size_t calls = demand_.guided && passes == Passes::in_turn ? 2 : 1;  // of a step
      Shape latents = demand_.latents;
      latents[0] = images;
      const std::vector<float> timesteps(static_cast<std::size_t>(images));
      const auto two_steps = [&] {
        const std::vector<TextContext> texts = prepared_texts(images, calls);
        std::vector<Tensor> deep(calls);
        for (int i = 0; i < 2; ++i)
          for (std::size_t call = 0; call < calls; ++call)
            unet(backend_.empty(latents), timesteps, texts[call], demand_.cached ? &deep[call] : nullptr);
      };
      const auto full_and_shallow_call = [&] {
        const std::vector<TextContext> texts = prepared_texts(images, 1);
        const Tensor x = backend_.empty(latents);
        Tensor deep;
        unet(x, timesteps, texts[0], &deep);
        unet.shallow(x, timesteps, texts[0], deep);
      };
      const bool done = fits(plan_.step, kLatentCopies * bytes_of(demand_.latents), two_steps);
      for (double& work : plan_.step.work.of) work /= 2;
      if (demand_.cached)
        plan_.shallow =
            flop(backend_.rehearse(full_and_shallow_call).work) * static_cast<double>(calls) / flop(plan_.step.work) -
            1;
      if (done) return;
    }
    lack(plan_.step);
  }

  // The texts stay in memory until the last picture is done.
  std::vector<TextContext> prepared_texts(std::int64_t images, std::size_t parts) {
    UNet& unet = model_.networks.unet;
    const std::int64_t tokens = model_.networks.text_encoders.positions();
    const auto prepared = [&](std::int64_t count) {
      const Tensor vector = unet.vector_width() > 0 ? backend_.empty({count, unet.vector_width()}) : Tensor();
      return unet.prepare(backend_.empty({count, tokens, unet.context_width()}), vector);
    };
    std::vector<TextContext> texts;
    for (std::size_t i = 0; i < parts; ++i) texts.push_back(prepared(images));
    if (demand_.guided && !demand_.always_guided) texts.push_back(prepared(1));
    return texts;
  }

  void plan_decode() {
    const auto factor = static_cast<std::uint64_t>(model_.networks.size_multiple());
    const auto pixels = static_cast<std::uint64_t>(demand_.latents[1] * demand_.latents[2]) * factor * factor;
    const std::uint64_t picture = 2 * 3 * pixels;  // as 8 bits, and its file
    for (const VaeTiles& tiles : ways_to_divide(demand_.latents[1], demand_.latents[2])) {
      plan_.tiles = tiles;
      const auto decode = [&] {
        const std::vector<TextContext> texts = prepared_texts(demand_.guided ? 2 : 1, 1);
        decode_in_tiles(model_.networks.vae_decoder, backend_.empty(demand_.latents), tiles, backend_);
      };
      if (fits(plan_.decode, picture, decode)) return;
    }
    lack(plan_.decode);
  }

  // Rehearses `work`, with spare memory and without, until it fits. `besides`: bytes that are not the backend's.
  bool fits(PhasePlan& phase, std::uint64_t besides, const std::function<void()>& work) {
    for (const bool spare : {true, false}) {
      phase.keep_spare = spare;
      backend_.keep_spare(spare);
      const Rehearsal rehearsal = backend_.rehearse(work);
      const std::uint64_t fragments = spare ? kFragments : 0;
      phase.pool = rehearsal.peak_bytes;
      phase.besides = besides + fragments;
      phase.work = rehearsal.work;
      if (plan_.peak(phase) + room(plan_.peak(phase)) <= allowed_ && phase.activations() <= available_) return true;
    }
    return false;
  }

  void lack(const PhasePlan& phase) {
    const std::uint64_t needed = plan_.peak(phase) + room(plan_.peak(phase));
    if (needed < needed_) return;
    needed_ = needed;
    lacking_ = phase;
  }

  [[noreturn]] void refuse() const {
    const std::int64_t factor = model_.networks.size_multiple();
    const std::int64_t width = demand_.latents[2] * factor, height = demand_.latents[1] * factor;
    if (needed_ > allowed_)
      fail(ErrorCategory::limit,
           "[max-memory] {} x {} pixels need at least {} of memory, {} of it for weights in the model's file; {} are "
           "allowed",
           width, height, human_bytes(needed_), human_bytes(lacking_.weights), human_bytes(allowed_));
    fail(ErrorCategory::limit,
         "[size] {} x {} pixels would need at least {} of memory besides the model's file, {} are available", width,
         height, human_bytes(lacking_.activations()), human_bytes(available_));
  }

  Model::State& model_;
  Backend& backend_;
  const MemoryDemand& demand_;
  const std::uint64_t allowed_, available_;
  MemoryPlan plan_;
  std::uint64_t needed_ = 0;  // if something does not fit: the most of that
  PhasePlan lacking_;
};

}  // namespace

const PhasePlan& MemoryPlan::largest() const noexcept {
  const std::array<const PhasePlan*, 3> phases{&text, &step, &decode};
  return **std::ranges::max_element(phases, {}, [this](const PhasePlan* phase) { return peak(*phase); });
}

std::uint64_t MemoryPlan::peak() const noexcept { return peak(largest()); }

std::int64_t MemoryPlan::decode_tiles(const Shape& latents) const {
  return std::ssize(tile_spans(latents[1], tiles.height)) * std::ssize(tile_spans(latents[2], tiles.width));
}

MemoryPlan plan_memory(Model::State& model, const MemoryDemand& demand) { return Planner(model, demand).plan(); }

}  // namespace safelight
