// Sets of shards: sound ones, and everything that can be wrong with one.
#include "safelight/sharded.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "format/shard_index.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kIndex = "m.safetensors.index.json";

class ShardedTest : public ::testing::Test {
 protected:
  ShardedTest() {
    write("m-00001-of-00002.safetensors", {{"a", 4}, {"b", 8}});
    write("m-00002-of-00002.safetensors", {{"c", 16}});
    index(28);
  }

  void write(const std::string& name, const std::vector<std::pair<std::string, std::int64_t>>& tensors) {
    std::vector<NamedTensor> named;
    for (const auto& [tensor, size] : tensors) named.push_back({tensor, Tensor::allocate(DType::U8, {size})});
    std::filesystem::create_directories((folder_ / name).parent_path());
    save(folder_ / name, named, {{"format", name}});
  }

  void index(int total, const std::string& more = "", const std::string& one = "m-00001-of-00002.safetensors",
             const std::string& two = "m-00002-of-00002.safetensors") {
    test::write_file(
        folder_ / kIndex,
        fmt::format(R"({{"metadata":{{"total_size":{},"by":"x"}},"weight_map":{{"a":"{}","b":"{}","c":"{}"{}}}}})",
                    total, one, one, two, more));
  }

  std::vector<std::string> rules(const std::string& what = kIndex) {
    std::vector<std::string> found;
    const ShardedTensors set = ShardedTensors::open(folder_ / what, {.tolerant = true});
    for (const ShardProblem& p : set.problems()) {
      found.push_back(p.rule);
      EXPECT_FALSE(p.detail.empty());
    }
    return found;
  }

  TemporaryFolder folder_;
};

TEST_F(ShardedTest, AnIndexAFolderAndASingleFileOpenAsOne) {
  const std::filesystem::path single = folder_ / "m-00001-of-00002.safetensors";
  for (const auto& [path, count] : {std::pair(folder_ / kIndex, 3u), {folder_.path(), 3u}, {single, 2u}}) {
    const ShardedTensors set = ShardedTensors::open(path);
    EXPECT_EQ(set.tensors().size(), count);
    EXPECT_EQ(set.shards().size(), count - 1);
    EXPECT_EQ(set.tensor("b").bytes(), 8u);
    EXPECT_EQ(set.find("b").shard, &set.shards()[0]);
    EXPECT_EQ(set.find("x").info, nullptr);
    EXPECT_ERROR(set.tensor("x"), model, "no tensor \"x\"");
    EXPECT_EQ(set.metadata().at("format"), "m-00001-of-00002.safetensors");
    EXPECT_TRUE(set.problems().empty());
    EXPECT_EQ(set.path(), path);
  }
  EXPECT_EQ(ShardedTensors::open(folder_ / kIndex).index_metadata(), (Metadata{{"by", "x"}, {"total_size", "28"}}));
  std::filesystem::remove(folder_ / kIndex);
  EXPECT_EQ(ShardedTensors::open(folder_.path()).tensors().size(), 3u);
  EXPECT_THAT(ShardedTensors::open(folder_.path()).index_metadata(), IsEmpty());
}

TEST_F(ShardedTest, TensorsAndFilesOutliveTheSet) {
  const Tensor c = ShardedTensors::open(folder_ / kIndex).tensor("c");
  EXPECT_EQ(c.bytes(), 16u);
  EXPECT_NE(c.data(), nullptr);
}

TEST_F(ShardedTest, MissingShard) {
  std::filesystem::remove(folder_ / "m-00002-of-00002.safetensors");
  EXPECT_THAT(rules(), ElementsAre("shard-missing"));
  EXPECT_ERROR(ShardedTensors::open(folder_ / kIndex), io, "shard \"m-00002-of-00002.safetensors\" is not there");
  EXPECT_EQ(ShardedTensors::open(folder_ / kIndex, {.tolerant = true}).tensors().size(), 2u);
  std::filesystem::remove(folder_ / kIndex);
  EXPECT_THAT(rules("."), ElementsAre("shard-missing"));
  EXPECT_ERROR(ShardedTensors::open(folder_.path()), io, "shard 2 of 2 of \"m\" is not there");
}

TEST_F(ShardedTest, BrokenShard) {
  test::write_file(folder_ / "m-00002-of-00002.safetensors", "<html>");
  EXPECT_THAT(rules(), ElementsAre("shard-invalid"));
  EXPECT_ERROR(ShardedTensors::open(folder_ / kIndex), format, "web page");
}

TEST_F(ShardedTest, ShardThatTheIndexDoesNotName) {
  write("m-00003-of-00003.safetensors", {{"d", 1}});
  write("other.safetensors", {{"d", 1}});
  EXPECT_THAT(rules(), ElementsAre("shard-extra"));
  EXPECT_ERROR(ShardedTensors::open(folder_ / kIndex), format, "\"m-00003-of-00003.safetensors\" is numbered");
}

TEST_F(ShardedTest, MissingExtraAndMisplacedTensors) {
  index(28, R"(,"d":"m-00002-of-00002.safetensors")");
  EXPECT_THAT(rules(), ElementsAre("tensor-missing"));
  EXPECT_ERROR(ShardedTensors::open(folder_ / kIndex), format, "has no tensor \"d\"");
  index(28, "", "m-00001-of-00002.safetensors", "m-00001-of-00002.safetensors");
  EXPECT_THAT(rules(), ElementsAre("shard-extra", "tensor-missing")) << "c, and the shard that has it";
  index(33);
  write("m-00001-of-00002.safetensors", {{"a", 4}, {"b", 8}, {"z", 5}});
  EXPECT_THAT(rules(), ElementsAre("tensor-extra"));
  index(28, "", "m-00002-of-00002.safetensors", "m-00001-of-00002.safetensors");
  write("m-00001-of-00002.safetensors", {{"a", 4}, {"b", 8}});
  EXPECT_THAT(rules(), ElementsAre("tensor-missing", "tensor-missing", "tensor-missing"));
}

TEST_F(ShardedTest, OfATensorInTwoShardsTheIndexDecides) {
  write("m-00001-of-00002.safetensors", {{"a", 4}, {"b", 8}, {"c", 1}});
  EXPECT_THAT(rules(), ElementsAre("tensor-duplicate"));
  EXPECT_ERROR(ShardedTensors::open(folder_ / kIndex), format, "tensor \"c\" is in ");
  const ShardedTensors set = ShardedTensors::open(folder_ / kIndex, {.tolerant = true});
  EXPECT_EQ(set.tensor("c").bytes(), 16u);
  EXPECT_EQ(set.tensors().size(), 3u);
  EXPECT_EQ(set.tensor("b").bytes(), 8u);
  std::filesystem::remove(folder_ / kIndex);
  EXPECT_EQ(ShardedTensors::open(folder_.path(), {.tolerant = true}).tensor("c").bytes(), 1u) << "the first";
}

TEST_F(ShardedTest, WrongTotal) {
  index(29);
  EXPECT_THAT(rules(), ElementsAre("total-size"));
  EXPECT_ERROR(ShardedTensors::open(folder_ / kIndex), format, "have 29 bytes, but they have 28");
}

TEST_F(ShardedTest, ShardsStayInTheirFolder) {
  write("sub/s.safetensors", {{"c", 16}});
  index(28, "", "m-00001-of-00002.safetensors", "sub/s.safetensors");
  EXPECT_THAT(rules(), ElementsAre("shard-extra")) << "m-00002";
  std::filesystem::rename(folder_ / "m-00002-of-00002.safetensors", folder_ / "x");
  EXPECT_THAT(rules(), IsEmpty());
  std::filesystem::create_symlink("../x", folder_ / "sub/link.safetensors");
  index(28, "", "m-00001-of-00002.safetensors", "sub/link.safetensors");
  EXPECT_THAT(rules(), IsEmpty()) << "downloads keep their files elsewhere";
  for (const char* escape : {"../x", "/etc/passwd", "sub/../../x", "..", "", "a\\u0000b"}) {
    index(28, "", "m-00001-of-00002.safetensors", escape);
    EXPECT_THAT(rules(), ElementsAre("shard-path")) << escape;
    EXPECT_ERROR(ShardedTensors::open(folder_ / kIndex), format, "not a file of its folder");
  }
}

TEST_F(ShardedTest, NotAnIndex) {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[]", "not a JSON object"},
      {"{}", "no \"weight_map\""},
      {R"({"weight_map":[]})", "not an object"},
      {R"({"weight_map":{"a":1}})", "not a file name"},
      {R"({"weight_map":{},"weight_map":{}})", "twice"},
      {R"({"weight_map":{"a":"f","a":"g"}})", "names tensor \"a\" twice"},
      {R"({"weight_map":{},"metadata":[]})", "not an object"},
      {R"({"weight_map":{},"metadata":{"total_size":-1}})", "total_size"},
      {R"({"weight_map":{},"metadata":{"total_size":1.5}})", "total_size"},
      {R"({"weight_map":{},"metadata":{"total_size":"1"}})", "total_size"},
      {"{\"weight_map\":{\"\xFF\":\"f\"}}", "not JSON"},
      {std::string(100'000, '['), "not JSON"},
  };
  for (const auto& [text, part] : texts) {
    test::write_file(folder_ / kIndex, text);
    EXPECT_ERROR(ShardedTensors::open(folder_ / kIndex, {.tolerant = true}), format, part);
  }
  EXPECT_EQ(parse_shard_index(R"({"weight_map":{},"metadata":{"total_size":3.0}})", {}).total_size, 3u);
  EXPECT_EQ(parse_shard_index(R"({"weight_map":{},"metadata":null})", {}).total_size, std::nullopt);
}

TEST_F(ShardedTest, NotASet) {
  EXPECT_ERROR(ShardedTensors::open(folder_ / "none.json"), io, "No such file");
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_ERROR(ShardedTensors::open(folder_ / "empty"), io, "has no .safetensors file");
  test::write_file(folder_ / "n.safetensors.index.json", "{}");
  EXPECT_ERROR(ShardedTensors::open(folder_.path()), usage, "has 2 indexes");
}

TEST_F(ShardedTest, LimitsHoldForTheIndexToo) {
  const auto open = [&](const Limits& limits) {
    return ShardedTensors::open(folder_ / kIndex, {.open = {.limits = limits}, .tolerant = true});
  };
  EXPECT_ERROR(open({.header_bytes = 100}), limit, "the index has ");
  EXPECT_ERROR(open({.tensors = 2}), limit, "the index has 3 tensors");
  EXPECT_ERROR(open({.name_bytes = 0}), limit, "name");
  EXPECT_ERROR(open({.memory_bytes = 1000}), limit, "memory");
  EXPECT_ERROR(open({.data_bytes = 11}), limit, "m-00001");
}

// An index that promises a million tensors and shards gives a list that can be read.
TEST_F(ShardedTest, ProblemsAreBounded) {
  std::string map;
  for (int i = 0; i < 3000; ++i) map += fmt::format("{}\"t{}\":\"s{}\"", i ? "," : "", i, i);
  test::write_file(folder_ / "many.json", "{\"weight_map\":{" + map + "}}");
  const ShardedTensors set = ShardedTensors::open(folder_ / "many.json", {.tolerant = true});
  EXPECT_EQ(set.problems().size(), 1001u);
  EXPECT_EQ(set.problems().back().detail, "2000 more problems are not listed");
  EXPECT_ERROR(ShardedTensors::open(folder_ / "many.json"), io, "and 2999 more problems");
  write("q-00001-of-99999999999999.safetensors", {{"q", 1}});
  std::filesystem::remove(folder_ / kIndex);
  EXPECT_EQ(rules(".").size(), 1000u);
}

}  // namespace
}  // namespace safelight
