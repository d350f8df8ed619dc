// safelight repair, run as a user runs it.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;

class RepairCommand : public ::testing::Test {
 protected:
  RepairCommand() {
    save(good_, std::vector<NamedTensor>{{"a", Tensor::from(std::vector<float>{1, 2}, {2})},
                                         {"b", Tensor::from(std::vector<float>{3}, {1})}});
    write_file(trailing_, read_file(good_) + "PK");
    write_file(cut_, read_file(good_).substr(0, std::filesystem::file_size(good_) - 2));
  }

  TemporaryFolder folder_;
  const std::string good_ = folder_ / "good", trailing_ = folder_ / "trailing", cut_ = folder_ / "cut",
                    out_ = folder_ / "out.safetensors";
};

TEST_F(RepairCommand, ListsWhatItChanged) {
  const Result result = run({"repair", trailing_, "-o", out_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "left out 2 bytes after the last tensor\nwritten: " + out_ + "\n");
  EXPECT_EQ(read_file(out_), read_file(good_));
}

TEST_F(RepairCommand, InPlace) {
  EXPECT_EQ(run({"repair", trailing_, "-o", trailing_}).exit_code, 0);
  EXPECT_EQ(read_file(trailing_), read_file(good_));
}

TEST_F(RepairCommand, SoundFilesAreCopied) {
  EXPECT_THAT(run({"repair", good_, "-o", out_}).out, HasSubstr("nothing to repair"));
  EXPECT_EQ(read_file(out_), read_file(good_));
}

TEST_F(RepairCommand, RefusesWhatIsNotThere) {
  const Result result = run({"repair", cut_, "-o", out_});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("1 of 2 tensors are incomplete, the first: \"b\""));
  EXPECT_THAT(result.err, HasSubstr("--truncated keep-complete"));
  EXPECT_FALSE(std::filesystem::exists(out_));
  EXPECT_EQ(run({"repair", cut_}).exit_code, 2);
}

TEST_F(RepairCommand, KeepsWhatIsWholeIfToldTo) {
  const Result result = run({"repair", cut_, "--truncated", "keep-complete", "-o", out_, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(result.out);
  EXPECT_TRUE(bool(root["repairable"]));
  EXPECT_EQ(std::string_view(root["lost"].at(0)), "b");
  const SafeTensors file = SafeTensors::open(out_);
  ASSERT_EQ(file.tensors().size(), 1u);
  EXPECT_EQ(file.tensor("a").floats()[1], 2);
}

TEST_F(RepairCommand, DryRunWritesNothing) {
  const Result possible = run({"repair", trailing_, "--dry-run"});
  EXPECT_EQ(possible.exit_code, 0);
  EXPECT_THAT(possible.out, HasSubstr("nothing was written"));
  EXPECT_EQ(run({"repair", cut_, "--dry-run"}).exit_code, 1);
  EXPECT_EQ(folder_.files(), 3u);
}

}  // namespace
}  // namespace safelight::test
