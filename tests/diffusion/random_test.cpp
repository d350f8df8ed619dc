// Random numbers against torch on the CPU, published numbers of torch on CUDA, and Random123's known answers.
#include "diffusion/random.h"

#include <gmock/gmock.h>

#include "diffusion/latent_noise.h"
#include "diffusion/philox_generator.h"
#include "golden.h"

namespace safelight {
namespace {

using testing::ElementsAre;

// Torch's vectorised logarithm, sine and cosine are good to about 4e-7 at these magnitudes.
constexpr double kTolerance = 1e-6;

std::vector<float> draw(RandomGenerator& generator, std::size_t count) {
  std::vector<float> values(count);
  generator.normal(values);
  return values;
}

std::vector<float> draw(Rng rng, std::uint64_t seed, std::size_t count) {
  return draw(*make_generator(rng, seed), count);
}

TEST(TorchCpuGenerator, EqualsTorch) {
  const SafeTensors file = golden_file("random");
  const std::vector<std::pair<std::string, std::uint64_t>> seeds{{"0", 0},
                                                                 {"1", 1},
                                                                 {"42", 42},
                                                                 {"2^32+5", (std::uint64_t{1} << 32) + 5},
                                                                 {"2^63", std::uint64_t{1} << 63},
                                                                 {"2^64-1", ~std::uint64_t{0}}};
  for (const auto& [name, seed] : seeds)
    for (const std::size_t size : {1, 3, 15, 16, 17, 100}) {
      const std::string key = "seed " + name + ", " + std::to_string(size);
      EXPECT_LE(max_difference(draw(Rng::cpu, seed, size), golden(file, key)), kTolerance) << key;
    }
  EXPECT_LE(max_difference(draw(Rng::cpu, 42, 16384), golden(file, "seed 42, 16384")), kTolerance);
}

TEST(TorchCpuGenerator, OnlyTheLowHalfOfTheSeedCounts) {
  EXPECT_EQ(draw(Rng::cpu, (std::uint64_t{1} << 32) + 5, 20), draw(Rng::cpu, 5, 20));
  EXPECT_NE(draw(Rng::cpu, 6, 20), draw(Rng::cpu, 5, 20));
}

TEST(TorchCpuGenerator, CallsInARowContinueTheStream) {
  const SafeTensors file = golden_file("random");
  const auto generator = make_generator(Rng::cpu, 7);
  int call = 0;
  for (const std::size_t size : {3, 3, 16, 5, 17, 2}) {
    const std::string key = "seed 7, call " + std::to_string(call++) + ", " + std::to_string(size);
    EXPECT_LE(max_difference(draw(*generator, size), golden(file, key)), kTolerance) << key;
  }
}

// kat_vectors of Random123 1.14: "philox4x32 10", counter and key of zeros, of ones, of the digits of pi.
TEST(Philox, KnownAnswers) {
  EXPECT_THAT(philox4x32_10({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
  constexpr std::uint32_t kOnes = 0xffffffffu;
  EXPECT_THAT(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              ElementsAre(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu));
  EXPECT_THAT(philox4x32_10({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}),
              ElementsAre(0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u));
}

// torch.randn(3, 4) with seed 0, as the documentation in modules/rng_philox.py of the AUTOMATIC1111 web UI shows it.
TEST(PhiloxGenerator, EqualsTheWebUi) {
  const std::vector<float> expected{-0.92466259f, -0.42534415f, -2.6438457f,  0.14518388f,  -0.12086647f, -0.57972564f,
                                    -0.62285122f, -0.32838709f, -1.07454231f, -0.36314407f, -1.67105067f, 2.26550497f};
  EXPECT_LE(max_difference(draw(Rng::philox, 0, 12), expected), kTolerance);
}

// torch.manual_seed(42); torch.randn(2, 5, device="cuda"): printed by a card in the documentation of flashinfer's
// LogitsPipe, to four places.
TEST(PhiloxGenerator, EqualsAnNvidiaCard) {
  const std::vector<float> expected{0.1940f, 2.1614f,  -0.1721f, 0.8491f, -1.9244f,
                                    0.6530f, -0.6494f, -0.8175f, 0.5280f, -1.2753f};
  EXPECT_LE(max_difference(draw(Rng::philox, 42, 10), expected), 0.5001e-4);
}

TEST(PhiloxGenerator, EveryCallAndEverySeedDiffers) {
  const auto generator = make_generator(Rng::philox, 3);
  const std::vector<float> first = draw(*generator, 8), second = draw(*generator, 8);
  EXPECT_NE(first, second);
  EXPECT_NE(first, draw(Rng::philox, 3 + (std::uint64_t{1} << 32), 8)) << "the upper half of the seed is ignored";
  // The first numbers of a longer call are those of a shorter one: each has its own counter.
  std::vector<float> longer = draw(Rng::philox, 3, 100);
  longer.resize(8);
  EXPECT_EQ(first, longer);
}

TEST(RandomGenerators, AreStandardNormal) {
  for (const RngInfo& row : rngs()) {
    double sum = 0, squares = 0;
    const std::vector<float> values = draw(row.rng, 123, 200'000);
    for (const float v : values) sum += v, squares += static_cast<double>(v) * v;
    const auto n = static_cast<double>(values.size());
    EXPECT_NEAR(sum / n, 0, 0.01) << row.names.name;  // 4.5 standard errors
    EXPECT_NEAR(squares / n, 1, 0.015) << row.names.name;
  }
}

TEST(RngNames, ParseAndRefuse) {
  EXPECT_EQ(parse_rng("philox"), Rng::philox);
  EXPECT_EQ(parse_rng("GPU"), Rng::philox);
  EXPECT_EQ(parse_rng("nv"), Rng::philox);
  EXPECT_EQ(parse_rng("CPU"), Rng::cpu);
  for (const RngInfo& row : rngs()) EXPECT_EQ(&info(row.rng), &row);
  try {
    parse_rng("dice");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.category(), ErrorCategory::usage);
    EXPECT_STREQ(error.what(), "[rng] expected one of NV, CPU, found 'dice'");
  }
}

TEST(LatentNoise, IsDrawnChannelsFirstFromOneGeneratorPerImage) {
  const SafeTensors file = golden_file("random");
  LatentNoise noise(Rng::cpu, 10, {2, 3, 5, 4});
  for (int call = 0; call < 2; ++call) {
    const std::vector<float> planes = golden(file, "batch, call " + std::to_string(call));  // [2, 4, 3, 5]
    const Tensor ours = noise.next();
    ASSERT_EQ(ours.shape(), (Shape{2, 3, 5, 4}));
    std::vector<float> reordered(planes.size());
    for (std::size_t i = 0; i < planes.size(); ++i) {
      const std::size_t image = i / 60, pixel = i % 60 / 4, channel = i % 4;
      reordered[i] = planes[image * 60 + channel * 15 + pixel];
    }
    EXPECT_LE(max_difference(ours.floats(), reordered), kTolerance);
  }
}

TEST(LatentNoise, AnImageOfABatchIsTheSameAlone) {
  for (const RngInfo& row : rngs()) {
    LatentNoise batch(row.rng, 99, {3, 8, 8, 4}), alone(row.rng, 101, {1, 8, 8, 4});
    for (int call = 0; call < 3; ++call) {
      const Tensor all = batch.next(), one = alone.next();
      EXPECT_TRUE(std::ranges::equal(all.floats().last(256), one.floats())) << row.names.name << call;
    }
  }
}

TEST(LatentNoise, TheSeedAfterTheLastIsZero) {
  LatentNoise batch(Rng::philox, ~std::uint64_t{0}, {2, 1, 1, 4});
  EXPECT_TRUE(std::ranges::equal(batch.next().floats().last(4), draw(Rng::philox, 0, 4)));
}

}  // namespace
}  // namespace safelight
