// One model in many layouts makes one picture.
#include <gmock/gmock.h>

#include "models/model_files.h"
#include "safelight/generate.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

namespace fs = std::filesystem;

void write_part(const fs::path& path, const test::NameInFile& name) {
  test::write_part(path, name, test::drawing_model());
}

class Layouts : public ::testing::Test {
 protected:
  static std::vector<std::uint8_t> picture(const fs::path& path, const ModelOptions& options = {},
                                           std::string* infotext = nullptr) {
    Model model = Model::open(path, options, {.threads = 1});
    std::vector<std::uint8_t> rgb;
    generate(model, {.prompt = "a house", .width = 16, .height = 16, .steps = 2, .seed = 3},
             [&](const GeneratedPicture& made) {
               rgb = made.picture.rgb;
               if (infotext) *infotext = made.infotext;
             });
    return rgb;
  }

  static std::string hash(const std::string& infotext) {
    const std::size_t at = infotext.find("Model hash: ");
    return at == std::string::npos ? "" : infotext.substr(at + 12, 10);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Layouts, OfOneModelMakeOnePicture) {
  write_part(folder_ / "model.safetensors", test::renamed("", ""));
  const std::vector<std::uint8_t> expected = picture(folder_ / "model.safetensors");

  const fs::path diffusers = folder_ / "diffusers";
  test::write_diffusers_folder(diffusers, test::drawing_model());
  std::string infotext, of_unet;
  EXPECT_EQ(picture(diffusers, {}, &infotext), expected);
  EXPECT_THAT(infotext, ::testing::HasSubstr("Model: diffusers"));

  // The parts as files of their own, in every naming.
  const fs::path unet = diffusers / "unet/diffusion_pytorch_model.safetensors", text = folder_ / "text.safetensors",
                 vae = folder_ / "vae.safetensors";
  write_part(text, test::renamed("cond_stage_model.transformer.", ""));
  write_part(vae, test::renamed("first_stage_model.", ""));
  EXPECT_EQ(picture(unet, {.vae = vae, .text_encoders = {text}}, &of_unet), expected);
  EXPECT_EQ(hash(of_unet).size(), 10u);
  EXPECT_EQ(hash(of_unet), hash(infotext));  // of the file with the UNet
  write_part(folder_ / "bare.safetensors", test::renamed("model.diffusion_model.", ""));
  EXPECT_EQ(picture(folder_ / "bare.safetensors", {.vae = diffusers / "vae/diffusion_pytorch_model.safetensors",
                                                   .text_encoders = {diffusers / "text_encoder/model.safetensors"}}),
            expected);
  EXPECT_EQ(picture(diffusers / "unet",
                    {.vae = folder_ / "model.safetensors", .text_encoders = {folder_ / "model.safetensors"}}),
            expected);

  // In shards, and as a variant.
  fs::rename(unet, diffusers / "unet/diffusion_pytorch_model.fp16.safetensors");
  test::write_shards(diffusers / "text_encoder", "model", "fp16", test::text_encoder_of_transformers(),
                     test::drawing_model());
  fs::remove(diffusers / "text_encoder/model.safetensors");
  test::write_shards(diffusers / "vae", "diffusion_pytorch_model", "", test::vae_of_diffusers(), test::drawing_model());
  fs::remove(diffusers / "vae/diffusion_pytorch_model.safetensors");
  EXPECT_EQ(picture(diffusers, {.variant = "fp16"}, &infotext), expected);
  EXPECT_THAT(infotext, ::testing::HasSubstr("Variant: fp16"));
}

TEST_F(Layouts, AnotherVaeMakesAnotherPicture) {
  write_part(folder_ / "model.safetensors", test::renamed("", ""));
  std::vector<NamedTensor> other;
  for (const TensorInfo& info : test::drawing_model().tensors()) {
    if (!info.name.starts_with("first_stage_model.")) continue;
    const bool changed = info.name.ends_with("decoder.conv_out.bias");
    other.push_back(
        {info.name, changed ? Tensor::from(std::vector<float>{1, 1, 1}, {3}) : test::drawing_model().tensor(info)});
  }
  save(folder_ / "vae.safetensors", other);
  EXPECT_NE(picture(folder_ / "model.safetensors", {.vae = folder_ / "vae.safetensors"}),
            picture(folder_ / "model.safetensors"));
}

}  // namespace
}  // namespace safelight
