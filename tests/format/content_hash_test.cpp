#include "safelight/content_hash.h"

#include <gmock/gmock.h>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kGolden = SAFELIGHT_SOURCE_DIR "/tests/data/format/written.safetensors";

Tensor filled(std::vector<float> values) { return Tensor::from(values, {static_cast<std::int64_t>(values.size())}); }

// Computed by tests/golden/content_hashes.py, which follows docs/format.md.
TEST(ContentHash, AsDocumented) {
  const SafeTensors file = SafeTensors::open(kGolden);
  EXPECT_EQ(content_hash(file), "xxh3-128:b6b1978e8c0c66e0c33bf4d739134152");
  EXPECT_EQ(content_hash(file, {.threads = 1}), "xxh3-128:b6b1978e8c0c66e0c33bf4d739134152");
  EXPECT_EQ(hash_metadata(file).at("safelight.tensor_hashes"),
            "xxh3-128:"
            "99aa06d3014798d86001c324468d497f6201b44514c242a3b6bd4fe0c195ce0626121f4bc95d869c5e03b39ffd128642"
            "baa49a288f1103d07e4cc6150e2d80cdac77eb88cbc4b8d4ebce9b7632ae733b99aa06d3014798d86001c324468d497f"
            "a76f94d1118f3bcfe6d1006dda205ce7fa4c9b6c96ca1ef3184dba81de008c2f99aa06d3014798d86001c324468d497f"
            "6992a94baa5aea0cd5b04a01d92a33e2556c70b5fae5b2a44967295965e4d32551025a4491835505e12ef9d2eb86ceeb"
            "3b35d89241a808438e1b5085e3a6944f99aa06d3014798d86001c324468d497ff94f136d1b923225664f427c6b2c4bea"
            "4533ce61c4655ba3c3e077b25dd1d769");
}

TEST(ContentHash, DependsOnTensorsAndNothingElse) {
  const TemporaryFolder folder;
  const Tensor t = filled({1, 2});
  const auto hash = [&](const std::vector<NamedTensor>& tensors, const Metadata& metadata = {}) {
    save(folder / "f", tensors, metadata);
    return content_hash(SafeTensors::open(folder / "f"));
  };
  const std::string original = hash({{"a", t}, {"b", t}});
  EXPECT_EQ(hash({{"b", t}, {"a", t}}, {{"k", "v"}}), original);
  EXPECT_NE(hash({{"a", t}, {"c", t}}), original);
  EXPECT_NE(hash({{"a", t}, {"b", t.reshaped({2, 1})}}), original);
  EXPECT_NE(hash({{"a", t}, {"b", filled({1, 3})}}), original);
  EXPECT_NE(hash({{"a", t}}), original);
}

class Verify : public ::testing::Test {
 protected:
  HashVerdict verdict(const Metadata& metadata, float changed = 2) {
    save(folder_ / "f", std::vector<NamedTensor>{{"a", filled({1})}, {"b", filled({changed})}}, metadata);
    return verify(SafeTensors::open(folder_ / "f"));
  }
  Metadata hashes() {
    verdict({});
    return hash_metadata(SafeTensors::open(folder_ / "f"));
  }
  TemporaryFolder folder_;
};

TEST_F(Verify, SaysWhatHasChanged) {
  EXPECT_FALSE(verdict({}).kept);
  const Metadata kept = hashes();
  EXPECT_TRUE(verdict(kept).matches);
  const HashVerdict bad = verdict(kept, 3);
  EXPECT_TRUE(bad.kept);
  EXPECT_FALSE(bad.matches);
  EXPECT_THAT(bad.changed, ElementsAre("b"));
  EXPECT_NE(bad.content, kept.at("safelight.content_hash"));
}

TEST_F(Verify, HashesThatDoNotFit) {
  Metadata kept = hashes();
  kept["safelight.tensor_hashes"].pop_back();
  EXPECT_TRUE(verdict(kept).matches);
  EXPECT_THAT(verdict(kept, 3).changed, IsEmpty());
  EXPECT_FALSE(verdict(kept, 3).matches);
  kept["safelight.content_hash"] = "sha256:0";
  EXPECT_FALSE(verdict(kept).kept);
}

TEST_F(Verify, ProgressAndCancel) {
  save(folder_ / "f", std::vector<NamedTensor>{{"a", Tensor::allocate(DType::U8, {1000})}});
  const SafeTensors file = SafeTensors::open(folder_ / "f");
  std::int64_t done = 0;
  verify(file, {.threads = 1, .on_progress = [&](const Progress& p) {
                  EXPECT_EQ(p.stage, "hash");
                  EXPECT_EQ(p.total, 1000);
                  done = p.done;
                }});
  EXPECT_EQ(done, 1000);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_ERROR(verify(file, {.cancel = &cancel}), cancelled, "");
}

}  // namespace
}  // namespace safelight
