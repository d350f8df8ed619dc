// Weights of 8 bits with scales, as ComfyUI keeps them, beside the same numbers in 32 bits.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/random_checkpoint.h"
#include "models/stable_diffusion.h"
#include "models/test_backends.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

enum class Scales { of_all, of_channels, of_channels_as_column };

// One form of a file: the type of its numbers, what their scales are called, and how many there are.
struct Form {
  const char* test_name;
  DType dtype;
  const char* scale_name;
  Scales scales;
};

// For messages of the tests.
void PrintTo(const Form& form, std::ostream* out) { *out << form.test_name; }

const Form kForms[] = {{"F8OldName", DType::F8_E4M3, "scale_weight", Scales::of_all},
                       {"F8", DType::F8_E4M3, "weight_scale", Scales::of_all},
                       {"F8OtherFormat", DType::F8_E5M2, "weight_scale", Scales::of_channels},
                       {"I8", DType::I8, "weight_scale", Scales::of_all},
                       {"I8OfChannels", DType::I8, "weight_scale", Scales::of_channels},
                       {"I8OfChannelsAsColumn", DType::I8, "weight_scale", Scales::of_channels_as_column}};

// Layers whose weights are multiplied: those of convolutions, too.
bool is_scaled(const NamedTensor& t) {
  return t.name.ends_with(".weight") && t.tensor.rank() >= 2 && !t.name.ends_with("embedding.weight");
}

// Numbers of 8 bits near the tensor's over `scale`; any finite ones will do.
Tensor in_eight_bits(const Tensor& from, DType dtype, std::span<const float> scales) {
  const Tensor values = to_f32(from);
  Tensor result = Tensor::allocate(dtype, from.shape());
  const std::size_t each = values.floats().size() / scales.size();
  for (std::size_t i = 0; i < values.floats().size(); ++i) {
    const float whole = std::nearbyint(values.floats()[i] / scales[i / each]);
    auto code = static_cast<std::int8_t>(std::clamp(whole, -127.0f, 127.0f));
    if (dtype != DType::I8)  // its bits as those of a float, below infinity
      code = static_cast<std::int8_t>((code & 0x80) | (std::abs(int{code}) & 0x77));
    std::memcpy(result.mutable_data() + i, &code, 1);
  }
  return result;
}

class ScaledWeights : public ::testing::TestWithParam<std::tuple<std::string, Form>> {
 protected:
  static void SetUpTestSuite() {
    std::vector<TensorRecipe> recipes = read_layout("tiny-sdxl");
    for (TensorRecipe& r : recipes)
      if (r.name.ends_with("token_embedding.weight")) r.shape[0] = 10;  // for what reads no prompt
    random_ = new SafeTensors(random_file(recipes));
  }
  static void TearDownTestSuite() { delete random_; }

  // A file in this form, and one of the same numbers in 32 bits. `extra` goes into the first.
  void write(const Form& form, std::vector<NamedTensor> extra = {}, const Metadata& metadata = {}) {
    std::vector<NamedTensor> scaled = std::move(extra), plain;
    for (const TensorInfo& info : random_->tensors()) {
      const NamedTensor t{info.name, random_->tensor(info)};
      if (!is_scaled(t)) {
        scaled.push_back(t);
        plain.push_back(t);
        continue;
      }
      const std::int64_t out = t.tensor.dim(0), count = form.scales == Scales::of_all ? 1 : out;
      Tensor scales = Tensor::allocate(DType::F32, form.scales == Scales::of_all                  ? Shape{}
                                                   : form.scales == Scales::of_channels_as_column ? Shape{out, 1}
                                                                                                  : Shape{out});
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
        scales.mutable_floats()[i] = 0.001f * static_cast<float>(1 + i % 7);
      const Tensor numbers = in_eight_bits(t.tensor, form.dtype, scales.floats());
      Tensor values = to_f32(numbers);
      const std::size_t each = values.floats().size() / scales.floats().size();
      // Numbers of a float's format are large.
      const float factor = form.dtype == DType::I8 ? 1.0f : form.dtype == DType::F8_E4M3 ? 0.2f : 0.002f;
      for (float& s : scales.mutable_floats()) s *= factor;
      for (std::size_t i = 0; i < values.floats().size(); ++i) values.mutable_floats()[i] *= scales.floats()[i / each];
      scaled.push_back({t.name, numbers});
      scaled.push_back({t.name.substr(0, t.name.size() - 6) + form.scale_name, scales});
      plain.push_back({t.name, values});
    }
    save(scaled_, scaled, metadata);
    save(plain_, plain);
  }

  // The file as it was, and `extra`.
  void write_random(NamedTensor extra) {
    std::vector<NamedTensor> tensors{std::move(extra)};
    for (const TensorInfo& info : random_->tensors()) tensors.push_back({info.name, random_->tensor(info)});
    save(scaled_, tensors);
  }

  std::string refusal() {
    try {
      StableDiffusion::open(scaled_, *backend_);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), ErrorCategory::model);
      return e.what();
    }
    return "no error";
  }

  static inline const SafeTensors* random_ = nullptr;
  TemporaryFolder folder_;
  std::filesystem::path scaled_ = folder_ / "scaled.safetensors", plain_ = folder_ / "plain.safetensors";
  std::unique_ptr<Backend> backend_ = make_backend(std::get<0>(GetParam()));
};

Tensor numbers(Shape shape) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  for (std::size_t i = 0; float& value : t.mutable_floats()) value = static_cast<float>(i++ * 7919 % 101) / 50 - 1;
  return t;
}

// Relative distance by norm.
double distance(const Tensor& a, const Tensor& b) {
  double apart = 0, size = 0;
  for (std::size_t i = 0; i < a.floats().size(); ++i) {
    apart += std::pow(static_cast<double>(a.floats()[i]) - static_cast<double>(b.floats()[i]), 2);
    size += std::pow(static_cast<double>(b.floats()[i]), 2);
  }
  EXPECT_GT(size, 0);
  return std::sqrt(apart / size);
}

// What a model says: of a text, of a step and of latents.
std::vector<Tensor> results(StableDiffusion& sd) {
  const std::vector<std::vector<std::int32_t>> ids = sd.text_encoders.blank(1);
  const TextEmbeddings texts = sd.text_encoders(ids, 1);
  const TextContext text = sd.unet.prepare(texts.context, numbers({1, sd.unet.vector_width()}));
  return {texts.context, sd.unet(numbers({1, 8, 8, 4}), std::vector<float>{500}, text),
          sd.vae_decoder(numbers({1, 8, 8, 4}))};
}

TEST_P(ScaledWeights, AreTheirProducts) {
  write(std::get<1>(GetParam()));
  StableDiffusion scaled = StableDiffusion::open(scaled_, *backend_), plain = StableDiffusion::open(plain_, *backend_);
  const std::vector<Tensor> expected = results(plain), actual = results(scaled);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_LT(distance(actual[i], expected[i]), 1e-5) << i;
  scaled.set_precision(Precision::int8, *backend_);
  EXPECT_LT(distance(results(scaled)[1], expected[1]), 0.1);
}

// Every form by the oracle and the best instruction set, one by each.
std::vector<std::tuple<std::string, Form>> cases() {
  std::vector<std::tuple<std::string, Form>> result;
  for (const std::string& backend : backend_names())
    for (const Form& form : kForms)
      if (backend == "reference" || backend == fastest_backend() || form.test_name == std::string_view("I8OfChannels"))
        result.emplace_back(backend, form);
  return result;
}

INSTANTIATE_TEST_SUITE_P(Forms, ScaledWeights, ::testing::ValuesIn(cases()),
                         [](const auto& of) { return std::get<0>(of.param) + "_" + std::get<1>(of.param).test_name; });

using ScaledWeightsRefused = ScaledWeights;

NamedTensor extra(const std::string& name, Shape shape, DType dtype = DType::F32) {
  Tensor t = Tensor::allocate(dtype, std::move(shape));
  std::memset(t.mutable_data(), 0, t.bytes());
  return {"model.diffusion_model.time_embed.0." + name, t};
}

TEST_P(ScaledWeightsRefused, WhereTheFormIsAnother) {
  using ::testing::HasSubstr;
  const Form form = std::get<1>(GetParam());
  write_random(extra("weight_scale_2", {}));
  EXPECT_THAT(refusal(), HasSubstr("time_embed.0.weight_scale_2 is there, expected weights with one kind of scale"));
  NamedTensor rotated = extra("comfy_quant", {18}, DType::U8);
  std::memcpy(rotated.tensor.mutable_data(), "{\"convrot\" : true}", 18);
  write(form, {rotated});
  EXPECT_THAT(refusal(), HasSubstr("time_embed.0.weight_scale is of rotated weights (convrot)"));
  write(form, {}, {{"_quantization_metadata", R"({"layers": {"x": {"format": "int8_tensorwise", "convrot": true}}})"}});
  EXPECT_THAT(refusal(), HasSubstr("is of rotated weights (convrot)"));
  write({"", form.dtype, "other_scale", form.scales});
  EXPECT_THAT(refusal(), HasSubstr("has type I8, expected F16"));
  write_random(extra("weight_scale", {3}));
  EXPECT_THAT(refusal(), HasSubstr("weight_scale has shape [3], expected one scale, or one for each of"));
  write_random(extra("weight_scale", {}, DType::I8));
  EXPECT_THAT(refusal(), HasSubstr("weight_scale has type I8, expected F32"));
}

INSTANTIATE_TEST_SUITE_P(Forms, ScaledWeightsRefused, ::testing::Values(std::tuple(fastest_backend(), kForms[4])),
                         [](const auto& of) { return std::string(std::get<1>(of.param).test_name); });

}  // namespace
}  // namespace safelight::test
