// Decoding in tiles, against diffusers' (tests/golden/tiled_vae.py) and against the whole.
#include "models/vae_tiling.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include "models/golden.h"
#include "models/random_checkpoint.h"
#include "models/stable_diffusion.h"
#include "models/test_backends.h"

namespace safelight::test {
namespace {

std::vector<std::pair<std::int64_t, std::int64_t>> spans(std::int64_t length, std::int64_t tile) {
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  for (const TileSpan& span : tile_spans(length, tile)) result.emplace_back(span.begin, span.end);
  return result;
}

TEST(VaeTiling, TilesOverlapByAQuarterAndEndAtTheEdge) {
  using testing::ElementsAre, testing::Pair;
  EXPECT_THAT(spans(64, 0), ElementsAre(Pair(0, 64)));
  EXPECT_THAT(spans(64, 64), ElementsAre(Pair(0, 64)));
  EXPECT_THAT(spans(63, 64), ElementsAre(Pair(0, 63)));
  EXPECT_THAT(spans(64, 40), ElementsAre(Pair(0, 40), Pair(30, 64)));
  EXPECT_THAT(spans(17, 8), ElementsAre(Pair(0, 8), Pair(6, 14), Pair(12, 17)));
  EXPECT_THAT(spans(14, 8), ElementsAre(Pair(0, 8), Pair(6, 14))) << "no third that is covered already";
}

TEST(VaeTiling, TheSmallestSideForANumberOfTiles) {
  for (const std::int64_t length : {16, 63, 64, 100, 257})
    for (const std::int64_t count : {1, 2, 3, 7}) {
      const std::int64_t side = tile_side(length, count);
      EXPECT_EQ(side % 4, 0);
      EXPECT_LE(std::ssize(tile_spans(length, side)), count) << length << " " << count;
      if (side > 4 && count > 1) {
        EXPECT_GT(std::ssize(tile_spans(length, side - 4)), count) << length << " " << count;
      }
    }
}

class Tiled : public ::testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Backend> backend_ = make_backend(GetParam());
  StableDiffusion sd_ = StableDiffusion::open(random_file(read_layout("uneven")), *backend_);
  const SafeTensors golden_ = SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/models/uneven-tiled.safetensors");
  const Tensor latents_ = to_f32(golden_.tensor("latents"));
};

TEST_P(Tiled, IsDiffusersTiledDecode) {
  std::vector<std::int64_t> done;
  const Tensor picture =
      decode_in_tiles(sd_.vae_decoder, latents_, {8, 8}, *backend_, [&](std::int64_t d, std::int64_t total) {
        done.push_back(d);
        EXPECT_EQ(total, 6);
      });
  EXPECT_THAT(done, testing::ElementsAre(1, 2, 3, 4, 5, 6));
  const Distance off = distance(picture, golden_.tensor("picture"));
  EXPECT_LT(off.relative, 3e-5);
  EXPECT_GT(distance(sd_.vae_decoder(latents_), golden_.tensor("picture")).relative, 1e-2) << "tiles make a difference";
}

TEST_P(Tiled, IsDiffusersTiledEncode) {
  Tensor picture = to_f32(golden_.tensor("picture"));
  for (float& value : picture.mutable_floats()) value = std::clamp(value, -1.0f, 1.0f);
  std::int64_t last = 0;
  const LatentDistribution got = encode_in_tiles(sd_.vae_encoder, picture, {8, 8}, *backend_,
                                                 [&](std::int64_t done, std::int64_t) { last = done; });
  EXPECT_EQ(last, 6);
  EXPECT_LT(distance(got.mean, golden_.tensor("mean")).relative, 3e-5);
  EXPECT_LT(distance(got.log_variance, golden_.tensor("log_variance")).relative, 3e-5);
  const LatentDistribution whole = sd_.vae_encoder(picture);
  EXPECT_GT(distance(whole.mean, golden_.tensor("mean")).relative, 1e-3) << "tiles make a difference";
  const LatentDistribution one = encode_in_tiles(sd_.vae_encoder, picture, {}, *backend_);
  EXPECT_EQ(std::memcmp(one.mean.data(), whole.mean.data(), whole.mean.bytes()), 0);
}

TEST_P(Tiled, OneTileIsTheWhole) {
  const Tensor whole = sd_.vae_decoder(latents_);
  for (const VaeTiles tiles : {VaeTiles{}, VaeTiles{12, 20}, VaeTiles{64, 64}}) {
    const Tensor picture = decode_in_tiles(sd_.vae_decoder, latents_, tiles, *backend_);
    ASSERT_EQ(picture.shape(), whole.shape());
    EXPECT_EQ(std::memcmp(picture.data(), whole.data(), whole.bytes()), 0);
  }
}

TEST_P(Tiled, AxesAreDividedByThemselves) {
  for (const VaeTiles tiles : {VaeTiles{8, 0}, VaeTiles{0, 12}})
    EXPECT_EQ(decode_in_tiles(sd_.vae_decoder, latents_, tiles, *backend_).shape(), (Shape{1, 48, 68, 3}));
}

INSTANTIATE_TEST_SUITE_P(Backends, Tiled, ::testing::ValuesIn(backend_names()),
                         [](const auto& test) { return test.param; });

// The networks as they are, at sizes with odd sides, too: what a rehearsal says is what the pool then holds.
TEST(NetworksRehearsed, TellTheMemoryThatTheyTake) {
  for (const std::string& name : {std::string("reference"), backend_names().back()}) {
    for (const auto& size : {std::pair<std::int64_t, std::int64_t>{8, 16}, {9, 13}, {24, 20}}) {
      const std::int64_t height = size.first, width = size.second;
      if (name == "reference" && height > 9) continue;
      const auto check = [&](const auto& call) {
        const auto backend = make_backend(name, {.measures = false});
        StableDiffusion sd = StableDiffusion::open(random_file(read_layout("uneven")), *backend);
        const Rehearsal rehearsal = backend->rehearse([&] { call(sd, *backend); });
        EXPECT_EQ(backend->peak_bytes(), 0u);
        call(sd, *backend);
        EXPECT_EQ(rehearsal.peak_bytes, backend->peak_bytes()) << name << " " << height << " x " << width;
      };
      const auto zeros = [](Backend& backend, const Shape& shape) {
        Tensor t = backend.empty(shape);
        backend.touch([&] { std::ranges::fill(t.mutable_floats(), 0.0f); });
        return t;
      };
      const Shape latents{1, height, width, 4};
      check([&](StableDiffusion& sd, Backend& b) { sd.vae_decoder(zeros(b, latents)); });
      check([&](StableDiffusion& sd, Backend& b) { decode_in_tiles(sd.vae_decoder, zeros(b, latents), {8, 8}, b); });
      check([&](StableDiffusion& sd, Backend& b) {
        const std::int64_t factor = sd.vae_encoder.factor();
        encode_in_tiles(sd.vae_encoder, zeros(b, {1, height * factor, width * factor, 3}), {8, 8}, b);
      });
      check([&](StableDiffusion& sd, Backend&) {
        const std::vector<std::int32_t> ids(77);
        sd.text_encoders[0](ids, 1);
      });
      check([&](StableDiffusion& sd, Backend& b) {
        const float timesteps[] = {1.0f, 2.0f};
        const Shape pair{2, height, width, 4};
        const TextContext text = sd.unet.prepare(zeros(b, {2, 77, 128}));
        for (int step = 0; step < 3; ++step) sd.unet(zeros(b, pair), timesteps, text);
      });
    }
  }
}

}  // namespace
}  // namespace safelight::test
