#include "safelight/merge.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "arithmetic/files.h"
#include "models/random_checkpoint.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::ElementsAre;

void write_random(const std::filesystem::path& path, const std::vector<TensorRecipe>& recipes) {
  const std::vector<std::byte> bytes = file_bytes(recipes);
  write_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// Against NumPy in float64 (tests/golden/merge.py).
class MergeGolden : public ::testing::Test {
 protected:
  static constexpr std::int64_t kSamples = 16;

  MergeGolden() {
    std::vector<TensorRecipe> base;
    for (const TensorRecipe& r : read_layout("tiny"))
      if (r.name.starts_with("model.diffusion_model.") ||
          r.name.starts_with("cond_stage_model.transformer.text_model.encoder.layers.0."))
        base.push_back(r);
    std::ranges::sort(base, {}, &TensorRecipe::name);
    for (const TensorRecipe& r : base) names_.push_back(r.name);
    write_random(a_, base);
    const auto varied = [&](DType dtype, float offset, float scale) {
      std::vector<TensorRecipe> recipes = base;
      for (TensorRecipe& r : recipes) r.dtype = dtype, r.offset += offset, r.scale *= scale;
      return recipes;
    };
    write_random(b_, varied(DType::BF16, 0.125f, 0.5f));
    write_random(c_, varied(DType::F32, -0.25f, 0.25f));
    write_random(lora_, read_layout("tiny-lora"));
    write_random(peft_, read_layout("tiny-peft"));
  }

  // Every sample of every tensor is within `relative` of the golden's, and `absolute` more.
  void expect_golden(const char* which, float relative, float absolute) {
    const SafeTensors found = SafeTensors::open(out_);
    const Tensor golden =
        SafeTensors::open(SAFELIGHT_SOURCE_DIR "/tests/data/arithmetic/merge.safetensors").tensor(which);
    ASSERT_EQ(golden.shape(), (Shape{static_cast<std::int64_t>(names_.size()), kSamples}));
    const std::vector<float> expected = floats_of(golden);
    for (std::size_t t = 0; t < names_.size(); ++t) {
      const std::vector<float> values = floats_of(found.tensor(names_[t]));
      for (std::size_t i = 0; i < kSamples; ++i) {
        const float e = expected[t * kSamples + i], f = values[i * values.size() / kSamples];
        ASSERT_NEAR(f, e, relative * std::fabs(e) + absolute) << names_[t] << ", sample " << i;
      }
    }
  }

  TemporaryFolder folder_;
  std::vector<std::string> names_;
  const std::filesystem::path a_ = folder_ / "a", b_ = folder_ / "b", c_ = folder_ / "c", lora_ = folder_ / "lora",
                              peft_ = folder_ / "peft", out_ = folder_ / "out";
};

TEST_F(MergeGolden, WeightedSum) {
  const MergeReport report = merge(out_, {.terms = {{a_, 0.3}, {b_, 0.7}}, .to = DType::F32});
  EXPECT_EQ(report.summed, static_cast<std::int64_t>(names_.size()));
  expect_golden("sum", 1e-7f, 0);
  merge(out_, {.terms = {{a_, 0.3}, {b_, 0.7}}}, {.threads = 2});
  EXPECT_EQ(SafeTensors::open(out_).tensors()[0].dtype, DType::F16);
  expect_golden("sum", 0x1.01p-11f, 0x1p-25f);
}

TEST_F(MergeGolden, AddDifference) {
  merge(out_, {.terms = add_difference(a_, b_, c_, 0.5), .to = DType::F32});
  expect_golden("difference", 1e-7f, 0);
}

TEST_F(MergeGolden, LoraFolding) {
  const MergeReport report =
      merge(out_, {.terms = {{a_, 1}}, .loras = {{lora_, 0.8}, {peft_, -0.5}}, .to = DType::F32});
  EXPECT_GT(report.lora_modules, 300);
  EXPECT_THAT(report.unmatched, ElementsAre());
  expect_golden("lora", 1e-6f, 1e-6f);
}

// What is wrong, and what is left out.
class Merge : public ::testing::Test {
 protected:
  static constexpr const char* kWeight = "model.diffusion_model.input_blocks.0.0.weight";
  static constexpr const char* kUp = "lora_unet_conv_in.lora_up.weight";
  static constexpr const char* kDown = "lora_unet_conv_in.lora_down.weight";

  std::filesystem::path file(const char* name, const std::vector<NamedTensor>& tensors, const Metadata& metadata = {}) {
    save(folder_ / name, tensors, metadata);
    return folder_ / name;
  }
  std::vector<float> result(const char* name) { return floats_of(SafeTensors::open(out_).tensor(name)); }

  TemporaryFolder folder_;
  const std::filesystem::path out_ = folder_ / "out";
};

TEST_F(Merge, TheFirstFileGivesNamesTypesAndMetadata) {
  const auto a = file("a", {{"x", numbers({1, 2}, DType::BF16)}, {"ids", raw<std::int64_t>(DType::I64, {7})}},
                      {{"k", "v"}, {"modelspec.hash_sha256", "0x0"}});
  const auto b = file("b",
                      {{"x", numbers({3, 6})},
                       {"ids", raw<std::int64_t>(DType::I64, {8})},
                       {"more_ids", raw<std::int64_t>(DType::I64, {8})}},
                      {{"k", "w"}});
  const MergeReport report = merge(out_, {.terms = {{a, 0.5}, {b, 0.5}}});
  EXPECT_EQ(report.tensors, 2);
  EXPECT_EQ(report.summed, 1);
  const SafeTensors out = SafeTensors::open(out_);
  EXPECT_EQ(out.metadata(), (Metadata{{"k", "v"}}));
  EXPECT_EQ(out.find("x")->dtype, DType::BF16);
  EXPECT_THAT(result("x"), ElementsAre(2, 4));
  EXPECT_THAT(result("ids"), ElementsAre(7));
}

TEST_F(Merge, ManyTermsAndOneAlone) {
  const auto a = file("a", {{"x", numbers({1})}}), b = file("b", {{"x", numbers({10})}}),
             c = file("c", {{"x", numbers({100})}});
  merge(out_, {.terms = {{a, 1}, {b, 2}, {c, 3}, {a, -1}}});
  EXPECT_THAT(result("x"), ElementsAre(320));
  merge(out_, {.terms = {{b, 0.5}}});
  EXPECT_THAT(result("x"), ElementsAre(5));
  merge(a, {.terms = {{a, 1}, {b, 1}}});  // onto its own input
  EXPECT_THAT(floats_of(SafeTensors::open(a).tensor("x")), ElementsAre(11));
}

TEST_F(Merge, UnpairedTensors) {
  const auto a = file("a", {{"x", numbers({1})}, {"only_a", numbers({2})}, {"shape", numbers({1, 2})}});
  const auto b = file("b", {{"x", numbers({3})}, {"only_b", numbers({4})}, {"shape", numbers({1})}});
  EXPECT_ERROR(merge(out_, {.terms = {{a, 1}, {b, 1}}}), model, "2 of 3 tensors of");
  EXPECT_FALSE(std::filesystem::exists(out_));
  const MergeReport report = merge(out_, {.terms = {{a, 1}, {b, 1}}, .keep_unpaired = true});
  EXPECT_THAT(report.kept, testing::UnorderedElementsAre("only_a", "shape"));
  EXPECT_THAT(report.left_out, ElementsAre("only_b"));
  EXPECT_THAT(result("x"), ElementsAre(4));
  EXPECT_THAT(result("only_a"), ElementsAre(2));
  EXPECT_THAT(result("shape"), ElementsAre(1, 2));
  const auto less = file("less", {{"x", numbers({1})}});
  EXPECT_ERROR(merge(out_, {.terms = {{less, 1}, {b, 1}}}), model,
               "lacks 2 tensors that another file has: only_b, shape");
}

TEST_F(Merge, LoraScalesAndParts) {
  const auto base = file("base", {{kWeight, numbers({1, 1, 1, 1}, {2, 2, 1, 1})}});
  const auto plain = file("plain", {{kUp, numbers({1, 10}, {2, 1})}, {kDown, numbers({1, 2}, {1, 2})}});
  merge(out_, {.terms = {{base, 1}}, .loras = {{plain, 2}}});
  EXPECT_THAT(result(kWeight), ElementsAre(3, 5, 21, 41));
  const auto scaled = file("scaled", {{kUp, numbers({1, 10}, {2, 1})},
                                      {kDown, numbers({1, 2}, {1, 2})},
                                      {"lora_unet_conv_in.alpha", numbers({0.5f}, {}, DType::BF16)}});
  merge(out_, {.terms = {{base, 1}}, .loras = {{scaled, 2}}});
  EXPECT_THAT(result(kWeight), ElementsAre(2, 3, 11, 21));
}

TEST_F(Merge, StackedProjections) {
  constexpr const char* kStacked = "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight";
  const auto base = file("base", {{kStacked, numbers({0, 0, 0, 0, 0, 0}, {6, 1})}});
  const auto lora =
      file("lora", {{"lora_te2_text_model_encoder_layers_0_self_attn_k_proj.lora_up.weight", numbers({1, 2}, {2, 1})},
                    {"lora_te2_text_model_encoder_layers_0_self_attn_k_proj.lora_down.weight", numbers({3}, {1, 1})}});
  merge(out_, {.terms = {{base, 1}}, .loras = {{lora, 1}}});
  EXPECT_THAT(result(kStacked), ElementsAre(0, 0, 3, 6, 0, 0));
}

TEST_F(Merge, PartsOfALoraWithoutAHome) {
  const auto base = file("base", {{kWeight, numbers({1}, {1, 1})}});
  const auto lora = file("lora", {{kUp, numbers({1}, {1, 1})},
                                  {kDown, numbers({1}, {1, 1})},
                                  {"lora_unet_conv_in.dora_scale", numbers({1})},
                                  {"lora_te_text_model_x.alpha", numbers({1}, Shape{})},
                                  {"lora_unet_nowhere.lora_up.weight", numbers({1}, {1, 1})}});
  EXPECT_ERROR(merge(out_, {.terms = {{base, 1}}, .loras = {{lora, 1}}}), model,
               "3 tensors of the LoRA files fit nothing in");
  const MergeReport report = merge(out_, {.terms = {{base, 1}}, .loras = {{lora, 1}}, .skip_unmatched = true});
  EXPECT_EQ(report.unmatched.size(), 3u);
  EXPECT_EQ(report.lora_modules, 1);
  EXPECT_THAT(result(kWeight), ElementsAre(2));
}

TEST_F(Merge, LoraOfAnotherModel) {
  const auto base = file("base", {{kWeight, numbers({1, 1}, {2, 1})}});
  const auto lora = [&](const Tensor& up, const Tensor& down, std::vector<NamedTensor> more = {}) {
    more.push_back({kUp, up});
    more.push_back({kDown, down});
    return MergeOptions{.terms = {{base, 1}}, .loras = {{file("lora", more), 1}}};
  };
  const Tensor one = numbers({1}, {1, 1}), two = numbers({1, 1}, {2, 1});
  EXPECT_NO_THROW(merge(out_, lora(two, one)));
  EXPECT_ERROR(merge(out_, lora(one, one)), model, "made for another model");
  EXPECT_ERROR(merge(out_, lora(two, two)), model, "not two matrices");
  EXPECT_ERROR(merge(out_, lora(numbers({}, {2, 0}), numbers({}, {0, 1}))), model, "not two matrices");
  EXPECT_ERROR(merge(out_, lora(numbers({1}, Shape{}), one)), model, "not two matrices");
  EXPECT_ERROR(merge(out_, lora(raw<std::int8_t>(DType::I8, {1, 1}).reshaped({2, 1}), one)), model, "floating numbers");
  EXPECT_ERROR(merge(out_, lora(two, one, {{"lora_unet_conv_in.lora_mid.weight", one}})), model, "not two matrices");
  EXPECT_ERROR(merge(out_, lora(two, one, {{"lora_unet_conv_in.alpha", two}})), model, "expected one number");
  EXPECT_ERROR(merge(out_, lora(two, one, {{"unet.conv_in.lora_A.weight", one}})), model, "mean the same");
  const auto half = file("half", {{kUp, two}});
  EXPECT_ERROR(merge(out_, {.terms = {{base, 1}}, .loras = {{half, 1}}}), model, "has no down beside it");
}

TEST_F(Merge, LoraForWeightsWithScales) {
  const auto lora = file("lora", {{kUp, numbers({1, 1}, {2, 1})}, {kDown, numbers({1}, {1, 1})}});
  for (const char* scale : {"weight_scale", "scale_weight"}) {
    const auto base =
        file("base", {{kWeight, numbers({1, 1}, {2, 1}, DType::BF16)},
                      {std::string("model.diffusion_model.input_blocks.0.0.") + scale, numbers({2}, Shape{})}});
    EXPECT_ERROR(merge(out_, {.terms = {{base, 1}}, .loras = {{lora, 1}}}), model,
                 std::string("has a ") + scale + " beside it, expected weights without scales");
  }
}

TEST_F(Merge, BadOptions) {
  const auto a = file("a", {{"x", numbers({1})}});
  EXPECT_ERROR(merge(out_, {}), usage, "found none");
  EXPECT_ERROR(merge(out_, {.terms = {{a, 1}}}), usage, "something to merge");
  EXPECT_ERROR(merge(out_, {.terms = {{a, 1}, {a, std::nan("")}}}), usage, "finite weight");
  EXPECT_ERROR(merge(out_, {.terms = {{a, 1}, {a, 1}}, .to = DType::U8}), usage, "found U8");
  EXPECT_ERROR(merge(out_, {.terms = {{a, 1}, {folder_ / "none", 1}}}), io, "none");
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(Merge, CountsWhatDoesNotFitTheType) {
  const auto a = file("a", {{"x", numbers({60000, 1}, DType::F16)}});
  const MergeReport report = merge(out_, {.terms = {{a, 1}, {a, 1}}});
  EXPECT_EQ(report.losses.overflowed, 1u);
}

// 1 + 2^-11 + 2^-41: beyond the tie between two numbers of F16, onto which F32 would round it first.
TEST_F(Merge, RoundsOnce) {
  const auto a = file("a", {{"x", numbers({1, -1}, DType::F16)}});
  const auto b = file("b", {{"x", numbers({0x1p-11f, -0x1p-11f}, DType::F16)}});
  merge(out_, {.terms = {{a, 1}, {b, 1 + 0x1p-30}}});
  EXPECT_THAT(result("x"), ElementsAre(1 + 0x1p-10f, -1 - 0x1p-10f));
  merge(out_, {.terms = {{a, 1}, {b, 1 - 0x1p-30}}});
  EXPECT_THAT(result("x"), ElementsAre(1, -1));
  merge(out_, {.terms = {{a, 1}, {b, 1}}});
  EXPECT_THAT(result("x"), ElementsAre(1, -1));
  merge(out_, {.terms = {{a, 1e300}}, .to = DType::BF16});
  EXPECT_THAT(result("x"), ElementsAre(INFINITY, -INFINITY));
  merge(out_, {.terms = {{a, 1e-300}}, .to = DType::BF16});
  EXPECT_THAT(result("x"), ElementsAre(0, 0));
}

}  // namespace
}  // namespace safelight::test
