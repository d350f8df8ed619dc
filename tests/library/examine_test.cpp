// What is said of single files and folders.
#include "library/examine.h"

#include <gmock/gmock.h>

#include "library/models_folder.h"
#include "support/expect_error.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(SAFELIGHT_SOURCE_DIR) / "tests/data/foreign" / name;
}

TEST(Examine, SafeTensors) {
  const ModelsFolder folder;
  const Examined found = examine(folder.add("a.safetensors", checkpoint_of_sd1()));
  EXPECT_EQ(found.format, "safetensors");
  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.recognition.family, Family::sd1);
  EXPECT_GT(found.bytes, 1000u);
  EXPECT_EQ(examine(folder.add("b.bin", vae_file())).recognition.what, "a VAE");  // whatever it is called
}

TEST(Examine, OtherFormatsAreNamedAndOnRequestLookedInto) {
  const Examined brief = examine(golden("torch_2.15_zip.pt"));
  EXPECT_EQ(brief.format, "torch");
  EXPECT_EQ(brief.recognition.what, "a PyTorch file (a pickle)");
  EXPECT_THAT(brief.problem, HasSubstr("safelight convert"));
  const Examined full = examine(golden("torch_2.15_zip.pt"), {.foreign = true});
  EXPECT_THAT(full.recognition.evidence, HasSubstr("tensor "));
  EXPECT_THAT(full.problem, HasSubstr("safelight convert"));
  EXPECT_EQ(examine(golden("gguf_types.gguf")).format, "gguf");
  EXPECT_EQ(examine(golden("numpy.npz")).format, "npz");
}

TEST(Examine, SaysWhatIsWrong) {
  const ModelsFolder folder;
  EXPECT_THAT(examine(folder / "none.safetensors").problem, HasSubstr("No such file"));
  EXPECT_THAT(examine(folder.path()).problem, HasSubstr("safetensors"));
  const Examined broken = examine(folder.add_text("x.ckpt", "PK\x03\x04 broken"), {.foreign = true});
  EXPECT_NE(broken.problem, "");
  EXPECT_EQ(broken.bytes, 11u);
}

TEST(Examine, KnowsModelFolders) {
  const ModelsFolder folder;
  EXPECT_FALSE(is_model_folder(folder.path()));
  EXPECT_FALSE(is_model_folder(folder / "none"));
  folder.add_text("x.safetensors.index.json", "{}");
  EXPECT_TRUE(is_model_folder(folder.path()));
}

}  // namespace
}  // namespace safelight::test
