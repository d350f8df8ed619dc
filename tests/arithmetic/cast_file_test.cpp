#include <gmock/gmock.h>

#include "arithmetic/files.h"
#include "safelight/cast.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::ElementsAre;

class CastFile : public ::testing::Test {
 protected:
  CastFile() {
    const std::vector<NamedTensor> tensors{{"a.weight", numbers({1, 1e6f, -1e-9f, 0.1f}, {2, 2})},
                                           {"a.bias", numbers({0.5f})},
                                           {"half", numbers({3}, DType::F16)},
                                           {"empty", numbers({}, {0, 4})},
                                           {"ids", raw<std::int64_t>(DType::I64, {1, 2})}};
    save(in_, tensors, {{"format", "pt"}, {"sshs_model_hash", "00"}});
  }

  TemporaryFolder folder_;
  const std::filesystem::path in_ = folder_ / "in.safetensors", out_ = folder_ / "out.safetensors";
};

TEST_F(CastFile, CastsWhatIsFloatingAndKeepsTheRest) {
  const CastReport report = cast_file(in_, out_, {.to = DType::F16});
  EXPECT_EQ(report.tensors, 5);
  EXPECT_EQ(report.changed, 3);
  EXPECT_EQ(report.bytes_before, 16u + 4 + 2 + 0 + 16);
  EXPECT_EQ(report.bytes_after, 8u + 2 + 2 + 0 + 16);
  EXPECT_EQ(report.losses.overflowed, 1u);
  EXPECT_EQ(report.losses.vanished, 1u);
  ASSERT_EQ(report.lossy.size(), 1u);
  EXPECT_EQ(report.lossy[0].name, "a.weight");

  const SafeTensors out = SafeTensors::open(out_), in = SafeTensors::open(in_);
  EXPECT_EQ(out.metadata(), (Metadata{{"format", "pt"}}));
  for (const TensorInfo& info : in.tensors()) {
    const Tensor before = in.tensor(info), after = out.tensor(info.name);
    EXPECT_EQ(after.shape(), before.shape()) << info.name;
    const Tensor expected = can_cast(info.dtype) ? cast(before, DType::F16) : before;
    ASSERT_EQ(after.dtype(), expected.dtype()) << info.name;
    EXPECT_EQ(std::memcmp(after.data(), expected.data(), expected.bytes()), 0) << info.name;
  }
}

TEST_F(CastFile, OnlyTheChosenTensors) {
  const auto type_of = [this](const char* name) { return SafeTensors::open(out_).find(name)->dtype; };
  EXPECT_EQ(cast_file(in_, out_, {.to = DType::BF16, .only = {"a.*"}, .except = {"*bias"}}).changed, 1);
  EXPECT_EQ(type_of("a.weight"), DType::BF16);
  EXPECT_EQ(type_of("a.bias"), DType::F32);
  EXPECT_EQ(cast_file(in_, out_, {.to = DType::F64, .from = DType::F16}).changed, 1);
  EXPECT_EQ(type_of("half"), DType::F64);
  EXPECT_EQ(type_of("a.bias"), DType::F32);
}

TEST_F(CastFile, NothingToDoIsACopy) {
  const CastReport report = cast_file(in_, out_, {.to = DType::F16, .from = DType::F16});
  EXPECT_EQ(report.changed, 0);
  EXPECT_EQ(read_file(out_), read_file(in_));
}

TEST_F(CastFile, OntoItself) {
  const std::string expected = (cast_file(in_, out_, {.to = DType::F16}), read_file(out_));
  cast_file(in_, in_, {.to = DType::F16});
  EXPECT_EQ(read_file(in_), expected);
}

TEST_F(CastFile, TensorsLargerThanASlice) {
  std::vector<float> values(200'001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.37f;
  const NamedTensor large{"large", numbers(values)};
  save(in_, {&large, 1});
  cast_file(in_, out_, {.to = DType::F16}, {.threads = 2});
  const Tensor expected = cast(large.tensor, DType::F16), found = SafeTensors::open(out_).tensor("large");
  ASSERT_EQ(found.bytes(), expected.bytes());
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), expected.bytes()), 0);
}

TEST_F(CastFile, Refuses) {
  EXPECT_ERROR(cast_file(in_, out_, {.to = DType::I64}), usage, "found I64");
  EXPECT_ERROR(cast_file(in_, out_, {.to = DType::F16, .from = DType::I64}), usage, "found I64");
  EXPECT_ERROR(cast_file(in_, out_, {.to = DType::F16, .only = {"b.*"}}), model, "\"b.*\" fits none");
  EXPECT_ERROR(cast_file(folder_ / "none", out_, {}), io, "none");
  CancelToken token;
  token.cancel();
  EXPECT_ERROR(cast_file(in_, out_, {}, {.cancel = &token}), cancelled, "cancelled");
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_EQ(folder_.files(), 1u);
}

}  // namespace
}  // namespace safelight::test
