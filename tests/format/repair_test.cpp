// Repair beyond the verdicts of the conformance corpus: what it says, what becomes of the bytes, what it leaves behind.
#include "safelight/repair.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::read_file;
using test::TemporaryFolder;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + data;
}

class Repair : public ::testing::Test {
 protected:
  std::filesystem::path broken(const std::string& header, const std::string& data) {
    write_file(folder_ / "in", file_of(header, data));
    return folder_ / "in";
  }
  SafeTensors repaired(const RepairOptions& options = {}) {
    repair(folder_ / "in", folder_ / "out", options);
    return SafeTensors::open(folder_ / "out");
  }
  static std::string bytes_of(const SafeTensors& file, const std::string& name) {
    const Tensor t = file.tensor(name);
    return {reinterpret_cast<const char*>(t.data()), t.bytes()};
  }

  TemporaryFolder folder_;
};

const std::string kHoles = R"({"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},)"
                           R"("b":{"dtype":"U8","shape":[1,2],"data_offsets":[5,7]}})";

TEST_F(Repair, HolesAreLeftOutAndTheRestStays) {
  const std::vector<std::string> changes = plan_repair(broken(kHoles, "-ab--cd--")).changes;
  EXPECT_THAT(changes,
              ElementsAre("left out 3 bytes that belong to no tensor, in 2 places, the first at byte 0 of the data",
                          "left out 2 bytes after the last tensor"));
  const SafeTensors file = repaired();
  EXPECT_EQ(bytes_of(file, "a"), "ab");
  EXPECT_EQ(bytes_of(file, "b"), "cd");
  EXPECT_EQ(file.find("b")->shape, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(file.metadata(), (Metadata{{"k", "v"}}));
}

TEST_F(Repair, EveryAccidentIsTold) {
  const std::string header =
      "\xEF\xBB\xBF"
      R"({"__metadata__":{"k":"1","k":"2"},"a":["U8",[1],[0,1]],"b":{"dtype":{"U8":null},"shape":[1],"data_offsets":[1,2]},)"
      R"("c":{"dtype":"U8","shape":[9],"data_offsets":[9,18]},"c":{"dtype":"U8","shape":[1],"data_offsets":[2,3],"x":[1,{"y":2}]}})";
  const std::vector<std::string> changes = plan_repair(broken(header + std::string(3, '\0'), "abc")).changes;
  EXPECT_THAT(
      changes,
      ElementsAre("left out the byte order mark before the header", "made spaces of 3 NUL bytes after the header",
                  "1 metadata keys repeated, of which the last value was kept, the first: \"k\"",
                  "1 tensor entries written as arrays made objects, the first: \"a\"",
                  "1 dtypes written as objects made strings, the first: \"b\"",
                  "1 fields of tensor entries that the format does not know left out, the first: \"c: x\"",
                  "left out 1 entries whose names come again later, the first: \"c\""));
  const SafeTensors file = repaired();
  EXPECT_EQ(bytes_of(file, "a") + bytes_of(file, "b") + bytes_of(file, "c"), "abc");
  EXPECT_EQ(file.metadata(), (Metadata{{"k", "2"}}));
}

TEST_F(Repair, WhiteSpaceBeforeAndNullMetadata) {
  EXPECT_THAT(plan_repair(broken("\n \t{\"__metadata__\":null}", "")).changes,
              ElementsAre("left out 3 bytes of white space before the header", "left out __metadata__, which is null"));
  EXPECT_TRUE(repaired().metadata().empty());
}

TEST_F(Repair, UnalignedTensorsAreAligned) {
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                             R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  EXPECT_THAT(plan_repair(broken(header, "abcde")).changes,
              ElementsAre(HasSubstr("aligned 1 tensor to their elements")));
  const SafeTensors file = repaired();
  EXPECT_EQ((file.header_bytes() + 8 + file.find("b")->begin) % 4, 0u);
  EXPECT_EQ(bytes_of(file, "b"), "bcde");
}

TEST_F(Repair, SoundFilesAreCopiedByteForByte) {
  const std::string header = R"({"b":{"dtype":"U8","shape":[0,9223372036854775808],"x":1,"data_offsets":[0,0]}})";
  EXPECT_TRUE(plan_repair(broken(header, "")).changes.empty());
  repaired();
  EXPECT_EQ(read_file(folder_ / "out"), read_file(folder_ / "in"));
}

TEST_F(Repair, CutOffFilesAreRefusedUnlessToldOtherwise) {
  const std::string header = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                             R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]},)"
                             R"("e":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}})";
  const std::filesystem::path in = broken(header, "abcdef");
  EXPECT_EQ(plan_repair(in).verdict.rule, "file-coverage");
  EXPECT_ERROR(repair(in, folder_ / "out"), format, "1 of 3 tensors are incomplete, the first: \"b\"");
  EXPECT_EQ(folder_.files(), 1u);
  const RepairPlan plan = repair(in, folder_ / "out", {.keep_complete = true});
  EXPECT_THAT(plan.lost, ElementsAre("b"));
  const SafeTensors file = SafeTensors::open(folder_ / "out");
  EXPECT_EQ(bytes_of(file, "a"), "abcd");
  EXPECT_NE(file.find("e"), nullptr);
  EXPECT_EQ(file.find("b"), nullptr);
  const std::string only = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
  EXPECT_ERROR(repair(broken(only, "abc"), folder_ / "out2", {.keep_complete = true}), format, "none is left");
}

TEST_F(Repair, TensorsWithoutBytesMayStandAnywhere) {
  const std::string header = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                             R"("x":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},)"
                             R"("y":{"dtype":"U8","shape":[3,0],"data_offsets":[99,99]}})";
  EXPECT_THAT(plan_repair(broken(header, "abcd")).changes,
              ElementsAre("moved 2 tensors without bytes from places where none may be, the first: \"x\""));
  EXPECT_EQ(repaired().tensors().size(), 3u);
}

TEST_F(Repair, RefusesToChoose) {
  const auto rule = [&](const std::string& header, const std::string& data) {
    return plan_repair(broken(header, data)).verdict.rule;
  };
  const std::string entry = R"({"dtype":"U8","shape":[2],"data_offsets":[)";
  EXPECT_EQ(rule("{\"a\":" + entry + "0,2]},\"b\":" + entry + "1,3]}}", "abc"), "layout");
  EXPECT_EQ(rule("{\"a\":" + entry + "0,2]},\"a\":" + entry + "2,4]}}", "abcd"), "duplicate-key");
  EXPECT_EQ(rule("{\"a\":" + entry + "0,3]}}", "abc"), "size-mismatch");
  EXPECT_EQ(plan_repair(folder_ / "none").verdict.rule, "io");
  EXPECT_ERROR(repair(folder_ / "none", folder_ / "out"), io, "No such file");
}

// The writer's sizes are signed; without a change the file is copied, and they do not matter.
TEST_F(Repair, DimensionsBeyondTheWriter) {
  const std::string header = R"({"b":{"dtype":"U8","shape":[0,9223372036854775808],"data_offsets":[0,0]}})";
  EXPECT_ERROR(repair(broken(" " + header, ""), folder_ / "out"), limit, "2^63-1");
  EXPECT_EQ(plan_repair(folder_ / "in").verdict.rule, "limit");
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(Repair, CanBeCancelled) {
  CancelToken token;
  token.cancel();
  EXPECT_ERROR(repair(broken(kHoles, "-ab--cd--"), folder_ / "out", {}, {.cancel = &token}), cancelled, "");
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(Repair, OverTheFileItself) {
  broken(kHoles, "-ab--cd--");
  repair(folder_ / "in", folder_ / "in");
  EXPECT_EQ(bytes_of(SafeTensors::open(folder_ / "in"), "a"), "ab");
}

// 100,000 repeated names: anything quadratic would take minutes.
TEST_F(Repair, ManyRepeatedNames) {
  std::string header = "{";
  for (int i = 0; i < 100'000; ++i) header += R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)";
  header.back() = '}';
  broken(header, "a");
  EXPECT_EQ(repaired().tensors().size(), 1u);
}

}  // namespace
}  // namespace safelight
