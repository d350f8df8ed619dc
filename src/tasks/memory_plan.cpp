#include "tasks/memory_plan.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <vector>

#include "core/available_memory.h"
#include "core/fail.h"
#include "core/fresh_memory.h"
#include "core/human.h"
#include "tasks/text_rows.h"
#include "tasks/weights.h"

namespace safelight {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// Smaller tiles differ visibly in tone from their neighbours; more of them on a side than this are not worth it.
constexpr std::int64_t kSmallestTile = 16, kMostTiles = 32;

// Whole latents that samplers and guidance hold at one time, in the C library's memory: measured with dpmpp_2m. What
// the UNet sees besides is held for every answer, and joined with the latents.
constexpr std::uint64_t kLatentCopies = 8;

// What the C library keeps of what was freed, huge pages that are filled in part, and code that is first run later:
// up to 2 MB were measured. It is in what is said; to keep a limit, room() is left besides.
constexpr std::uint64_t kFragments = 3'000'000;
std::uint64_t room(std::uint64_t peak) { return peak / 200; }
// What a process has before it starts differs by this from run to run: the least that a refusal names should do.
constexpr std::uint64_t kBetweenRuns = 500'000;

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
std::vector<VaeTiles> ways_to_divide(const Shape& latents) {
  std::vector<VaeTiles> ways{{}};
  const std::int64_t longest = std::max(latents[1], latents[2]),
                     smallest = std::max(kSmallestTile, longest / kMostTiles);
  for (std::int64_t side = longest; side > smallest;) {
    side = std::max(smallest, side * 3 / 4);
    ways.push_back({side_up_to(side, latents[1]), side_up_to(side, latents[2])});
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
    backend_.trim(0);  // of work that failed between two phases
    release_freed_memory();
    release_all_weights(model.networks);  // what is resident then stays so in every phase
    plan_.program = resident_memory();
    plan_.text.weights = weight_bytes(model.networks, NetworkPart::text_encoder);
    for (const PassDemand& pass : demand.passes) {
      PassMemory& memory = plan_.passes.emplace_back();
      memory.encodes = pass.encodes;
      memory.decodes = pass.decodes;
      memory.encode.weights = pass.encodes ? weight_bytes(model.networks, NetworkPart::vae_encoder) : 0;
      memory.step.weights = weight_bytes(model.networks, NetworkPart::unet);
      memory.decode.weights = pass.decodes ? weight_bytes(model.networks, NetworkPart::vae_decoder) : 0;
    }
  }

  MemoryPlan plan() {
    plan_text();
    plan_steps();
    for (std::size_t pass = 0; pass < plan_.passes.size(); ++pass) {
      if (demand_.passes[pass].encodes) plan_encode(pass);
      if (demand_.passes[pass].decodes) plan_decode(pass);
    }
    if (needed_ > 0) refuse();
    return plan_;
  }

 private:
  bool in_parts() const { return demand_.guided && plan_.answers == Answers::in_turn; }
  // Images of one call of the UNet, and its calls for a guided step.
  std::int64_t images() const { return demand_.guided && !in_parts() ? demand_.answers * plan_.batch : plan_.batch; }
  std::size_t calls() const { return in_parts() ? static_cast<std::size_t>(demand_.answers) : 1; }

  void plan_text() {
    const std::int64_t texts = demand_.guided && !demand_.negative_is_blank ? 2 : 1;
    const auto ids = model_.networks.text_encoders.blank(texts);
    if (!fits(plan_.text, 0, [&] { model_.networks.text_encoders(ids, texts); })) lack(plan_.text, 0);
  }

  // All passes have the same batch and the same order of answers.
  void plan_steps() {
    plan_.batch = demand_.batch;
    while (!all_steps_fit()) {
      if (plan_.batch > 1) {
        plan_.batch = (plan_.batch + 1) / 2;
      } else if (demand_.guided && plan_.answers == Answers::together) {
        plan_.answers = Answers::in_turn;
      } else {
        for (std::size_t pass = 0; pass < plan_.passes.size(); ++pass)
          if (!step_fits(pass)) lack(plan_.passes[pass].step, pass);
        return;
      }
    }
  }

  bool all_steps_fit() {
    for (std::size_t pass = 0; pass < plan_.passes.size(); ++pass)
      if (!step_fits(pass)) return false;
    return true;
  }

  bool step_fits(std::size_t index) {
    PassMemory& pass = plan_.passes[index];
    UNet& unet = model_.networks.unet;
    Shape latents = demand_.passes[index].latents;
    latents[0] = images();
    Shape others = latents;
    others[3] = demand_.other_channels;
    const std::vector<float> timesteps(static_cast<std::size_t>(images()));
    const auto seen = [&] {
      Tensor x = backend_.empty(latents);
      return demand_.other_channels > 0 ? backend_.concat(x, backend_.empty(others)) : x;
    };
    const auto two_steps = [&] {
      const std::vector<TextContext> texts = prepared_texts();
      std::vector<Tensor> deep(calls());
      for (int i = 0; i < 2; ++i)
        for (std::size_t call = 0; call < calls(); ++call)
          unet(seen(), timesteps, texts[call], demand_.cached ? &deep[call] : nullptr);
    };
    const auto full_and_shallow_call = [&] {
      const std::vector<TextContext> texts = prepared_texts();
      const Tensor x = seen();
      Tensor deep;
      unet(x, timesteps, texts[0], &deep);
      unet.shallow(x, timesteps, texts[0], deep);
    };
    Shape batch = demand_.passes[index].latents;
    batch[0] = plan_.batch;
    const std::uint64_t besides =
        kLatentCopies * bytes_of(batch) + 2 * static_cast<std::uint64_t>(calls()) * bytes_of(others);
    const bool done = fits(pass.step, besides, two_steps);
    for (double& work : pass.step.work.of) work /= 2;
    if (demand_.cached)
      pass.shallow =
          flop(backend_.rehearse(full_and_shallow_call).work) * static_cast<double>(calls()) / flop(pass.step.work) - 1;
    return done;
  }

  // The texts stay in memory until the last picture is done.
  std::vector<TextContext> prepared_texts() {
    UNet& unet = model_.networks.unet;
    const std::int64_t tokens = model_.networks.text_encoders.positions();
    const auto prepared = [&](std::span<const std::int64_t> texts_of_images) {
      const TextRows rows = text_rows(texts_of_images, demand_.negative_is_blank);
      const Tensor vector =
          unet.vector_width() > 0 ? backend_.empty({std::ssize(texts_of_images), unet.vector_width()}) : Tensor();
      return unet.prepare(backend_.empty({std::ssize(rows.read), tokens, unet.context_width()}), vector, rows.followed);
    };
    const std::vector<std::int64_t> asked = texts_of_answers();  // the prompt's last
    std::vector<TextContext> texts;
    for (auto next = asked.begin(); next != asked.end(); next += images())
      texts.push_back(prepared({next, next + images()}));
    if (demand_.guided && !demand_.always_guided) texts.push_back(prepared({asked.end() - plan_.batch, asked.end()}));
    return texts;
  }

  // Of all images of a guided step, or of one if none is guided.
  std::vector<std::int64_t> texts_of_answers() const {
    const auto batch = static_cast<std::size_t>(plan_.batch);
    std::vector<std::int64_t> texts(demand_.guided ? static_cast<std::size_t>(demand_.answers - 1) * batch : 0,
                                    kNegativeRow);
    texts.insert(texts.end(), batch, kPromptRow);
    return texts;
  }

  std::uint64_t pixels(std::size_t pass) const {
    const auto factor = static_cast<std::uint64_t>(model_.networks.size_multiple());
    const Shape& latents = demand_.passes[pass].latents;
    return static_cast<std::uint64_t>(latents[1] * latents[2]) * factor * factor;
  }

  void plan_encode(std::size_t index) {
    PassMemory& pass = plan_.passes[index];
    const auto factor = model_.networks.size_multiple();
    const Shape& latents = demand_.passes[index].latents;
    // The pictures of a second pass are made by it: as 8 bits and as numbers.
    const std::uint64_t besides = index == 0 ? 0 : 3 * (1 + sizeof(float)) * pixels(index);
    for (const VaeTiles& tiles : ways_to_divide(latents)) {
      pass.encode_tiles = tiles;
      const auto encode = [&] {
        const std::vector<TextContext> texts = index == 0 ? std::vector<TextContext>{} : prepared_texts();
        encode_in_tiles(model_.networks.vae_encoder, backend_.empty({1, latents[1] * factor, latents[2] * factor, 3}),
                        tiles, backend_);
      };
      if (fits(pass.encode, besides, encode)) return;
    }
    lack(pass.encode, index);
  }

  void plan_decode(std::size_t index) {
    PassMemory& pass = plan_.passes[index];
    const std::uint64_t picture = 2 * 3 * pixels(index);  // as 8 bits, and its file
    for (const VaeTiles& tiles : ways_to_divide(demand_.passes[index].latents)) {
      pass.decode_tiles = tiles;
      const auto decode = [&] {
        const std::vector<TextContext> texts = prepared_texts();
        decode_in_tiles(model_.networks.vae_decoder, backend_.empty(demand_.passes[index].latents), tiles, backend_);
      };
      if (fits(pass.decode, picture, decode)) return;
    }
    lack(pass.decode, index);
  }

  // Rehearses `work`. `besides`: bytes that are not the backend's.
  bool fits(PhasePlan& phase, std::uint64_t besides, const std::function<void()>& work) {
    const Rehearsal rehearsal = backend_.rehearse(work);
    phase.pool = rehearsal.peak_bytes;
    phase.besides = besides + kFragments;
    phase.work = rehearsal.work;
    return plan_.peak(phase) + room(plan_.peak(phase)) <= allowed_ && phase.activations() <= available_;
  }

  void lack(const PhasePlan& phase, std::size_t pass) {
    const std::uint64_t needed = plan_.peak(phase) + room(plan_.peak(phase));
    if (needed < needed_) return;
    needed_ = needed;
    lacking_ = phase;
    lacking_pass_ = pass;
  }

  [[noreturn]] void refuse() const {
    const std::int64_t factor = model_.networks.size_multiple();
    const Shape& latents = demand_.passes[lacking_pass_].latents;
    const std::int64_t width = latents[2] * factor, height = latents[1] * factor;
    if (needed_ > allowed_)
      fail(ErrorCategory::limit,
           "[max-memory] {} x {} pixels need at least {} of memory, {} of it for weights in the model's file; {} are "
           "allowed",
           width, height, human_bytes_needed(needed_ + kBetweenRuns), human_bytes(lacking_.weights),
           human_bytes(allowed_));
    fail(ErrorCategory::limit,
         "[size] {} x {} pixels would need at least {} of memory besides the model's file, {} are available", width,
         height, human_bytes_needed(lacking_.activations()), human_bytes(available_));
  }

  Model::State& model_;
  Backend& backend_;
  const MemoryDemand& demand_;
  const std::uint64_t allowed_, available_;
  MemoryPlan plan_;
  std::uint64_t needed_ = 0;  // if something does not fit: the most of that
  PhasePlan lacking_;
  std::size_t lacking_pass_ = 0;
};

}  // namespace

std::uint64_t MemoryPlan::peak() const noexcept {
  std::uint64_t most = peak(text);
  for (const PassMemory& pass : passes) {
    if (pass.encodes) most = std::max(most, peak(pass.encode));
    most = std::max(most, peak(pass.step));
    if (pass.decodes) most = std::max(most, peak(pass.decode));
  }
  return most;
}

std::int64_t count_tiles(const Shape& latents, const VaeTiles& tiles) {
  return std::ssize(tile_spans(latents[1], tiles.height)) * std::ssize(tile_spans(latents[2], tiles.width));
}

MemoryPlan plan_memory(Model::State& model, const MemoryDemand& demand) { return Planner(model, demand).plan(); }

}  // namespace safelight
