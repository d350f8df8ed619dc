// What a backend says that ops would take, against what they take.
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "backends/cpu/cpu_backend.h"
#include "backends/make_backend.h"
#include "conformance.h"
#include "safelight/error.h"

namespace safelight {
namespace {

// Ops of all kinds, each with and without scratch. Sides of `side` pixels.
class Ops {
 public:
  explicit Ops(Backend& backend)
      : backend_(backend),
        conv_(backend.conv2d({.in = 64, .out = 70}, random_tensor({70, 64, 3, 3}, 3, 0, 0.04f), {})),
        halving_(backend.conv2d({.in = 64, .out = 24, .stride = 2}, random_tensor({24, 64, 3, 3}, 3, 0, 0.04f), {})),
        linear_(backend.linear({.in = 64, .out = 2000}, random_tensor({2000, 64}, 4, 0, 0.1f), {})),
        group_norm_(backend.group_norm({.channels = 64}, random_tensor({64}, 5), random_tensor({64}, 6))),
        layer_norm_(backend.layer_norm({.channels = 64}, random_tensor({64}, 5), random_tensor({64}, 6))),
        embedding_(backend.embedding({.rows = 10, .width = 64}, random_tensor({10, 64}, 7))) {}

  void operator()(std::int64_t side) {
    Tensor x = backend_.empty({2, side, side, 64});
    backend_.touch([&] {
      for (float& value : x.mutable_floats()) value = 1;
    });
    Tensor h = (*conv_)((*group_norm_)(x));
    h = (*halving_)(Normed{*group_norm_, x});
    const Tensor tokens = (*layer_norm_)(x.reshaped({2, side * side, 64}));
    h = (*linear_)(tokens);
    h = backend_.attention(tokens, tokens, tokens, {.heads = 4});
    h = backend_.concat(h, tokens);
    const Tensor part = backend_.empty({2, side, side, 24}), rest = backend_.empty({2, side, side, 40});
    h = (*linear_)({part, rest});
    h = (*group_norm_)({part, rest});
    const std::int32_t ids[] = {1, 2, 3};
    h = (*embedding_)(ids);
    h = (*group_norm_)(std::move(x));
  }

 private:
  Backend& backend_;
  std::unique_ptr<Conv2d> conv_, halving_;
  std::unique_ptr<Linear> linear_;
  std::unique_ptr<GroupNorm> group_norm_;
  std::unique_ptr<LayerNorm> layer_norm_;
  std::unique_ptr<Embedding> embedding_;
};

TEST(Rehearsal, TellsTheMemoryThatARunTakes) {
  for (const char* name : {"cpu", "reference"})
    for (const int threads : {1, 2, 5})
      for (const std::int64_t side : {4, 13, 24}) {
        if (name == std::string_view("reference") && threads + side > 14) continue;  // slow, and threads are the same
        const auto backend = make_backend({.threads = threads, .backend = name, .measures = false});
        Ops ops(*backend);
        const Rehearsal rehearsal = backend->rehearse([&] { ops(side); });
        EXPECT_EQ(backend->peak_bytes(), 0u) << "nothing was taken";
        ops(side);
        EXPECT_EQ(rehearsal.peak_bytes, backend->peak_bytes()) << name << ", " << threads << " threads, " << side;
        EXPECT_GT(rehearsal.peak_bytes, static_cast<std::uint64_t>(2 * side * side * (64 + 2000) * 4));
      }
}

// A large map is not made a second time, though another tensor refers to its bytes; the lines that are, count.
TEST(Rehearsal, OfWhatIsNormalisedAsItIsRead) {
  const Tensor scale = random_tensor({64}, 5), shift = random_tensor({64}, 6);
  for (const std::string_view isa : cpu_instruction_sets())
    for (const int stride : {1, 2}) {
      const auto backend = make_cpu_backend({.threads = 2, .measures = false}, isa);
      const auto conv =
          backend->conv2d({.in = 64, .out = 32, .stride = stride}, random_tensor({32, 64, 3, 3}, 3, 0, 0.04f), {});
      const auto norm = backend->group_norm({.channels = 64}, scale, shift);
      std::uint64_t with_a_normed_map = 0;
      const auto run = [&] {
        Tensor x = backend->empty({2, 160, 160, 64});
        backend->touch([&] { std::ranges::fill(x.mutable_floats(), 1.0f); });
        const Tensor y = (*conv)(Normed{*norm, x});
        with_a_normed_map = 2 * x.bytes() + y.bytes();
      };
      const Rehearsal rehearsal = backend->rehearse(run);
      run();
      EXPECT_EQ(rehearsal.peak_bytes, backend->peak_bytes()) << isa << ", stride " << stride;
      if (stride == 1 || isa == "amx") {
        EXPECT_LT(rehearsal.peak_bytes, with_a_normed_map) << isa << ", stride " << stride;
      }
    }
}

// From the definitions: a product of [m, k] and [k, n] is 2 m n k operations.
TEST(Rehearsal, CountsTheWork) {
  const auto backend = make_cpu_backend({.threads = 1, .measures = false});
  Ops ops(*backend);
  const Work work = backend->rehearse([&] { ops(10); }).work;
  EXPECT_EQ(work[WorkKind::conv3x3], 2.0 * (2 * 10 * 10 * 70) * (9 * 64));
  EXPECT_EQ(work[WorkKind::product], 2.0 * (2 * 5 * 5 * 24) * (9 * 64) + 2 * 2.0 * (2 * 100) * 64 * 2000);
  EXPECT_EQ(work[WorkKind::attention], 2 * 2.0 * 2 * 100 * 100 * 64);
  EXPECT_EQ(work[WorkKind::passing], 5.0 * 2 * 100 * 64 + 2 * 100 * 128 + 3 * 64);
}

TEST(Rehearsal, OfSizesThatNoMachineHas) {
  const auto backend = make_cpu_backend({.threads = 2, .measures = false});
  Ops ops(*backend);
  EXPECT_GT(backend->rehearse([&] { ops(100'000); }).peak_bytes, std::uint64_t{1} << 44);
}

TEST(Rehearsal, AfterAnErrorOpsRunAgain) {
  for (const char* name : {"cpu", "reference"}) {
    const auto backend = make_backend({.backend = name, .measures = false});
    EXPECT_THROW(backend->rehearse([] { throw std::runtime_error("no"); }), std::runtime_error);
    EXPECT_THROW(backend->rehearse([&] { backend->concat(Tensor(), Tensor()); }), Error) << "arguments are checked";
    const Tensor x = random_tensor({1, 2, 3}, 1);
    EXPECT_EQ(backend->concat(x, x).floats()[0], x.floats()[0]);
  }
}

TEST(Rehearsal, TrimGivesMemoryBack) {
  for (const char* name : {"cpu", "reference"}) {
    const auto backend = make_backend({.backend = name, .measures = false});
    static_cast<void>(backend->empty({10, 1000, 1000}));
    const std::uint64_t before = backend->peak_bytes();
    backend->trim(0);
    static_cast<void>(backend->empty({1000, 1000}));
    EXPECT_EQ(backend->peak_bytes(), before) << "it would have been kept beside the second";
  }
}

}  // namespace
}  // namespace safelight
