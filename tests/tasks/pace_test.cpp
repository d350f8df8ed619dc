// Estimates from trials, on machines that are made up: nothing here is timed.
#include "tasks/pace.h"

#include <gtest/gtest.h>

namespace safelight {
namespace {

// The work of a decoder that makes 64 pixels of each latent pixel, and attends among these once.
Work decoding(const Shape& latents) {
  const auto pixels = static_cast<double>(latents[1] * latents[2]);
  Work work;
  work[WorkKind::conv3x3] = 1e6 * pixels;
  work[WorkKind::product] = 1e4 * pixels;
  work[WorkKind::attention] = 10 * pixels * pixels;
  work[WorkKind::passing] = 1e3 * pixels;
  return work;
}

const Pace kPace{.ms_per_unit = {{1e-7, 2e-7, 1e-6, 1e-6}}};
const Shape kSmall{1, 16, 16, 4}, kLarge{1, 128, 96, 4};

// Its ops have few channels, and it fetches its memory: three times as slow as the pace says.
TEST(MsForLatents, AreAsAPartTookNotAsThePaceSays) {
  for (const Shape& latents : {kSmall, kLarge}) {
    const Work whole = decoding(latents);
    Shape tried;
    const double ms = ms_for_latents(kPace, whole, latents, [&](const Shape& part) {
      tried = part;
      return Trial{.work = decoding(part), .ms = 3 * kPace.ms(decoding(part))};
    });
    EXPECT_DOUBLE_EQ(ms, 3 * kPace.ms(whole));
    EXPECT_LE(kPace.ms(decoding(tried)), kTriedOut);
  }
}

TEST(MsForLatents, ThePartIsTheWholeWhereThatIsShortElseOfItsForm) {
  const auto tried = [](const Pace& pace, const Shape& latents) {
    Shape part;
    static_cast<void>(ms_for_latents(pace, decoding(latents), latents, [&](const Shape& p) {
      part = p;
      return Trial{.work = decoding(p), .ms = 1};
    }));
    return part;
  };
  EXPECT_EQ(tried(kPace, kSmall), kSmall);
  const Shape part = tried(kPace, kLarge);
  EXPECT_LT(part[1], kLarge[1]);
  EXPECT_NEAR(static_cast<double>(part[1]) / static_cast<double>(part[2]), 128.0 / 96, 0.1);
  Pace slow = kPace;
  for (double& ms : slow.ms_per_unit.of) ms *= 1e6;
  EXPECT_EQ(tried(slow, kLarge), (Shape{1, 4, 4, 4})) << "never so small that edges are most of the work";
  EXPECT_EQ(tried(slow, {1, 2, 3, 4}), (Shape{1, 2, 3, 4}));
}

}  // namespace
}  // namespace safelight
