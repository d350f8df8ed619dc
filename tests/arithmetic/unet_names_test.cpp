#include "arithmetic/unet_names.h"

#include <gmock/gmock.h>

#include "support/diffusers_names.h"

namespace safelight::test {
namespace {

using ::testing::ElementsAre;

TEST(UnetNames, EveryModuleOfEveryFamilyAndBack) {
  int unets = 0;
  for (const NamesOfPart& part : read_diffusers_names()) {
    if (part.part != "unet") continue;
    ++unets;
    EXPECT_EQ(part.names.size(), part.tensors) << part.families;
    std::vector<std::string_view> theirs;
    for (const NamePair& name : part.names) theirs.emplace_back(name.diffusers);
    const UnetLevels levels = levels_of_diffusers_unet(theirs);
    for (const auto& [ldm, diffusers] : part.modules) {
      EXPECT_EQ(ldm_unet_module(diffusers, levels), ldm);
      EXPECT_EQ(diffusers_unet_module(ldm, levels), diffusers);
      if (part.families != "one-block") {  // what is known without looking at the levels
        EXPECT_EQ(diffusers_unet_module(ldm), diffusers);
      }
    }
  }
  EXPECT_EQ(unets, 5);
}

TEST(UnetNames, NoModulesOfAUnet) {
  for (const char* name :
       {"", "input_blocks", "input_blocks.", "input_blocks.x.0.op", "input_blocks.99999999999.0.op",
        "input_blocks.3.0.conv", "input_blocks.1.2.proj_in", "input_blocks.-1.0.op", "middle_block.3.x",
        "output_blocks.0", "output_blocks.0.", "input_blocks.1.1", "decoder.conv_in"})
    EXPECT_EQ(diffusers_unet_module(name), std::nullopt) << name;
  for (const char* name :
       {"", "down_blocks", "down_blocks.0", "down_blocks.x.resnets.0.norm1", "down_blocks.0.resnets.0.in_layers.0",
        "down_blocks.0.resnets.2.norm1", "down_blocks.0.resnets.-1.norm1", "down_blocks.64.resnets.0.norm1",
        "down_blocks.99999999999.resnets.0.norm1", "down_blocks.0.attentions.0", "down_blocks.0.upsamplers.0.conv",
        "up_blocks.0.downsamplers.0.conv", "mid_block.resnets.2.norm1", "mid_block.attentions.1.norm",
        "up_blocks.0.resnets.3.norm1", "input_blocks.1.0.in_layers.0"})
    EXPECT_EQ(ldm_unet_module(name, {}), std::nullopt) << name;
}

// Numbers in a file's names are not what memory is asked for by.
TEST(UnetNames, LevelsAreCountedWithinReason) {
  const std::vector<std::string_view> names{
      "down_blocks.0.resnets.1.conv1.weight",        "down_blocks.2000000000.resnets.0.conv1.weight",
      "up_blocks.1.resnets.2000000000.conv1.weight", "up_blocks.0.resnets.0.conv1.weight",
      "up_blocks.0.attentions.0.norm.weight",        "up_blocks.2.attentions.0.norm.weight"};
  const UnetLevels levels = levels_of_diffusers_unet(names);
  EXPECT_THAT(levels.down, ElementsAre(2));
  EXPECT_THAT(levels.up, ElementsAre(1, 0, 0));
  EXPECT_THAT(levels.up_attends, ElementsAre(true, false, false));
  EXPECT_EQ(ldm_unet_module("up_blocks.0.upsamplers.0.conv", levels), "output_blocks.0.2.conv");
}

}  // namespace
}  // namespace safelight::test
