// safelight slice, and ls and check of sets of shards, run as a user runs them.
#include <gmock/gmock.h>
#include <simdjson.h>

#include <cstring>

#include "cli/program.h"
#include "safelight/indexing.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Tensor counting(Shape shape) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  for (std::int64_t i = 0; i < t.elements(); ++i)
    t.mutable_floats()[static_cast<std::size_t>(i)] = static_cast<float>(i);
  return t;
}

class SliceCommand : public ::testing::Test {
 protected:
  SliceCommand() {
    save(folder_ / "m-00001-of-00002.safetensors", std::vector<NamedTensor>{{"a", counting({30, 40})}});
    save(folder_ / "m-00002-of-00002.safetensors", std::vector<NamedTensor>{{"b", counting({7})}});
    write_file(index_, R"({"weight_map":{"a":"m-00001-of-00002.safetensors","b":"m-00002-of-00002.safetensors"}})");
  }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "m-00001-of-00002.safetensors", index_ = folder_ / "m.safetensors.index.json";
  const std::string out_ = folder_ / "out.safetensors";
};

TEST_F(SliceCommand, PrintsWithoutAnOutput) {
  const Result result = run({"slice", file_, "a[:2, ::-20]"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "a[:2, ::-20]  F32 [2, 2]\n[[39. 19.]\n [79. 59.]]\n");
}

TEST_F(SliceCommand, WritesSelectionsOfSeveralShardsToOneFile) {
  for (const std::string& from : {index_, folder_.path().native()}) {
    const Result result = run({"slice", from, "b[::-1]", "a[5:25:4, -3:]", "-o", out_, "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const SafeTensors written = SafeTensors::open(out_);
    const Tensor expected = slice(counting({30, 40}), parse_slices("5:25:4, -3:"));
    EXPECT_EQ(written.tensor("a").shape(), (Shape{5, 3}));
    EXPECT_EQ(std::memcmp(written.tensor("a").data(), expected.data(), expected.bytes()), 0);
    EXPECT_EQ(to_f32(written.tensor("b")).floats()[0], 6);
    simdjson::dom::parser parser;
    const simdjson::dom::element root = parser.parse(result.out);
    EXPECT_EQ(std::uint64_t(root["bytes"]), 28u + 60);
    EXPECT_EQ(std::string_view(root["tensors"].at(1)["name"]), "a");
    std::filesystem::remove(out_);
  }
}

// As numpy.save writes it.
TEST_F(SliceCommand, WritesNumpyFiles) {
  const std::string npy = folder_ / "out.npy";
  ASSERT_EQ(run({"slice", file_, "a[1, :2]", "--npy", npy}).exit_code, 0);
  std::string expected = std::string("\x93NUMPY\x01\0", 8) + "v";
  expected += '\0';
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  expected.resize(127, ' ');
  expected += '\n';
  const float values[] = {40, 41};
  expected.append(reinterpret_cast<const char*>(values), 8);
  EXPECT_EQ(read_file(npy), expected);
  EXPECT_EQ(run({"slice", file_, "a[1]", "a[2]", "--npy", npy}).exit_code, 2);
  EXPECT_EQ(run({"slice", file_, "a[1]", "-o", out_, "--npy", npy}).exit_code, 2);
}

TEST_F(SliceCommand, ErrorsLeaveNothing) {
  const std::size_t before = folder_.files();
  EXPECT_EQ(run({"slice", file_, "c[0]", "-o", out_}).exit_code, 5);
  EXPECT_EQ(run({"slice", file_, "a[99]", "-o", out_}).exit_code, 2);
  EXPECT_EQ(run({"slice", file_, "a[0]", "a[1]", "-o", out_}).exit_code, 2) << "one name twice";
  EXPECT_EQ(run({"slice", file_, "a[0]", "-o", folder_ / "none" / "f"}).exit_code, 3);
  EXPECT_EQ(folder_.files(), before);
  EXPECT_THAT(run({"slice", "--help"}).out, HasSubstr("Example: safelight slice"));
}

TEST_F(SliceCommand, LsListsASet) {
  const Result result = run({"ls", index_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2 tensors, 1,207 parameters"));
  EXPECT_EQ(result.err, "");
  std::filesystem::remove(folder_ / "m-00002-of-00002.safetensors");
  const Result broken = run({"ls", index_, "--json"});
  EXPECT_EQ(broken.exit_code, 0);
  EXPECT_THAT(broken.err, StartsWith("safelight: warning: shard-missing: "));
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(broken.out);
  EXPECT_EQ(std::string_view(root["problems"].at(0)["rule"]), "shard-missing");
}

TEST_F(SliceCommand, CheckTellsEveryProblemOfASet) {
  EXPECT_EQ(run({"check", index_, folder_.path()}).out, "ok       " + index_ + "\nok       " + index_ + "\n");
  save(folder_ / "m-00002-of-00002.safetensors", std::vector<NamedTensor>{{"c", counting({7})}});
  const Result result = run({"check", index_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, StartsWith("invalid  " + index_ + ": tensor-missing: "));
  EXPECT_THAT(result.out, HasSubstr("invalid  " + index_ + ": tensor-extra: "));
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 2);
  write_file(index_, "[]");
  EXPECT_THAT(run({"check", "--json", index_}).out, HasSubstr("\"rule\":\"index\""));
  EXPECT_EQ(run({"check", index_}).exit_code, 1);
}

}  // namespace
}  // namespace safelight::test
