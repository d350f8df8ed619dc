// safelight set-metadata, run as a user runs it.
#include <gmock/gmock.h>
#include <simdjson.h>

#include "cli/program.h"
#include "safelight/safetensors.h"
#include "safelight/writer.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;

class SetMetadataCommand : public ::testing::Test {
 protected:
  void SetUp() override { write(100); }

  void write(std::uint64_t slack) {
    const Tensor t = Tensor::allocate(DType::U8, {1000});
    save(file_, std::vector<PendingTensor>{{"a", t.dtype(), t.shape(), [t] { return t; }}}, {{"title", "old"}},
         {.metadata_slack = slack});
  }
  Metadata metadata(const std::filesystem::path& path) { return SafeTensors::open(path).metadata(); }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "model.safetensors";
};

TEST_F(SetMetadataCommand, SetsAndRemoves) {
  const Result result = run({"set-metadata", file_, "author=me=you", "empty=", "--remove", "title"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("edited in place; room for"));
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(metadata(file_), (Metadata{{"author", "me=you"}, {"empty", ""}}));
}

TEST_F(SetMetadataCommand, FromJsonToAnotherFile) {
  write_file(folder_ / "m.json", R"({"title": "new", "x": "from the file"})");
  const std::string out = folder_ / "out.safetensors";
  const Result result =
      run({"set-metadata", file_, "x=y", "--from-json", folder_ / "m.json", "-o", out, "--slack", "5000"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(out + "  written anew"));
  EXPECT_EQ(metadata(out), (Metadata{{"title", "new"}, {"x", "y"}}));
  EXPECT_EQ(metadata(file_), (Metadata{{"title", "old"}}));
  EXPECT_THAT(run({"set-metadata", out, "x=" + std::string(4000, 'y')}).out, HasSubstr("in place"));
}

TEST_F(SetMetadataCommand, Json) {
  const Result result = run({"set-metadata", "--json", file_, "title=new"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(result.out);
  EXPECT_EQ(std::string_view(root["file"]), file_);
  EXPECT_EQ(std::string_view(root["way"]), "in-place");
  EXPECT_GE(std::uint64_t(root["slack"]), 90u);
  EXPECT_TRUE(bool(root["atomic"]));
  EXPECT_TRUE(bool(root["durable"]));
  EXPECT_EQ(std::string_view(root["note"]), "");
}

TEST_F(SetMetadataCommand, Errors) {
  EXPECT_EQ(run({"set-metadata", file_}).exit_code, 2);
  EXPECT_EQ(run({"set-metadata", file_, "no-value"}).exit_code, 2);
  EXPECT_EQ(run({"set-metadata", file_, "--remove", "none"}).exit_code, 2);
  EXPECT_EQ(run({"set-metadata", folder_ / "none", "a=b"}).exit_code, 3);
  EXPECT_EQ(run({"set-metadata", file_, "--from-json", folder_ / "none"}).exit_code, 3);
  write_file(folder_ / "bad.json", "{\"a\": 1}");
  EXPECT_EQ(run({"set-metadata", file_, "--from-json", folder_ / "bad.json"}).exit_code, 4);
  EXPECT_EQ(metadata(file_), (Metadata{{"title", "old"}}));
}

// As on the mount of an object store; POOR_FILE_SYSTEM is a library that makes rename() fail.
TEST_F(SetMetadataCommand, SaysWhatTheFileSystemCannotDo) {
  write(0);
  const RunOptions poor = {.environment = {"LD_PRELOAD=" POOR_FILE_SYSTEM, "ASAN_OPTIONS=verify_asan_link_order=0"}};
  const std::string text(100, 't');
  const Result result = run({"set-metadata", file_, "title=" + text}, poor);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err,
              HasSubstr("safelight: warning: the file system cannot rename (Function not implemented), so the "
                        "file was written in place, which is not atomic\n"));
  EXPECT_EQ(metadata(file_).at("title"), text);
  write(0);
  EXPECT_THAT(run({"set-metadata", "--json", file_, "title=" + text}, poor).out, HasSubstr(R"("atomic":false)"));
}

}  // namespace
}  // namespace safelight::test
