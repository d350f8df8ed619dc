// What the tests of the tasks that start from pictures have in common: models with random weights, the pictures and
// values that tests/golden/picture_tasks.py stored, and what a run gives.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "image/infotext.h"
#include "models/random_checkpoint.h"
#include "safelight/picture_tasks.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {

inline const SafeTensors& golden() {
  static const SafeTensors file = SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/tasks/picture_tasks.safetensors");
  return file;
}

inline std::vector<std::uint8_t> bytes_of(const std::string& name) {
  const Tensor t = golden().tensor(name);
  const auto* first = reinterpret_cast<const std::uint8_t*>(t.data());
  return {first, first + t.bytes()};
}

inline Picture golden_picture() {
  Picture picture(96, 64);
  picture.rgb = bytes_of("picture");
  return picture;
}

inline Mask golden_mask(const std::string& name) {
  Mask mask(96, 64);
  mask.values = bytes_of(name);
  return mask;
}

inline double relative(std::span<const float> got, std::span<const float> expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(got[i]) - static_cast<double>(expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / size);
}

// Models with random weights whose UNet takes 4, 8 or 9 channels.
class PictureTasks : public ::testing::Test {
 protected:
  // Of a family's small layout; each is opened once, with the first options that it is asked for with.
  static Model& model(std::int64_t channels = 4, const std::string& layout = "tiny", const ModelOptions& options = {}) {
    const std::string name = layout + std::to_string(channels);
    const auto known = opened_->models.find(name);
    if (known != opened_->models.end()) return known->second;
    const std::filesystem::path path = opened_->folder / (name + ".safetensors");
    write_file(path, tiny_file(channels, layout));
    return opened_->models.emplace(name, Model::open(path, options, {.measures = false})).first->second;
  }
  static void SetUpTestSuite() { opened_ = std::make_unique<Opened>(); }
  static void TearDownTestSuite() { opened_.reset(); }

  // Two steps of random noise.
  static GenerateOptions small() { return {.prompt = "a house", .steps = 2, .sampler = "euler", .seed = 1}; }

  // All values that are looked at, and the last picture.
  struct Made {
    std::vector<std::vector<float>> latents;
    Picture picture;
    Infotext info;
    GenerateReport report;
  };
  template <class Options, class Task>
  Made run(Model& model, Options options, const Task& task) {
    Made made;
    options.generate.inspect = [&](const Snapshot& snapshot) {
      if (snapshot.name.starts_with("latents_"))
        made.latents.emplace_back(snapshot.tensor.floats().begin(), snapshot.tensor.floats().end());
    };
    made.report = task(model, options, [&](const GeneratedPicture& picture) {
      made.picture = picture.picture;
      made.info = parse_infotext(picture.infotext);
    });
    return made;
  }
  Made made(Model& model, const TransformOptions& options) { return run(model, options, transform); }
  Made made(Model& model, const InpaintOptions& options) { return run(model, options, inpaint); }
  Made made(Model& model, const OutpaintOptions& options) { return run(model, options, outpaint); }
  Made made(Model& model, const EditPictureOptions& options) { return run(model, options, edit); }

 private:
  // Once for all tests: opening takes longer than most of them.
  struct Opened {
    TemporaryFolder folder;
    std::map<std::string, Model> models;
  };
  inline static std::unique_ptr<Opened> opened_;
};

}  // namespace safelight::test
