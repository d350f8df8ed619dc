#include "safelight/edit_metadata.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <tuple>

#include "core/file_descriptor.h"
#include "safelight/writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "support/unprivileged.h"

namespace safelight {
namespace {

using test::read_file;
using test::TemporaryFolder;
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class EditMetadata : public ::testing::Test {
 protected:
  void write(const Metadata& metadata, const SaveOptions& options = {}) {
    const Tensor t = Tensor::from(std::vector<float>(3000, 1.5f), {3000});
    const std::vector<PendingTensor> tensors = {{"a", t.dtype(), t.shape(), [t] { return t; }},
                                                {"b", t.dtype(), t.shape(), [t] { return t; }}};
    save(file_, tensors, metadata, options);
  }

  // A file with this header and `data` bytes after it.
  void write_header(const std::string& json, std::size_t data) {
    std::string bytes(8, '\0');
    bytes[0] = static_cast<char>(json.size());
    bytes[1] = static_cast<char>(json.size() >> 8);
    test::write_file(file_, bytes + json + std::string(data, 'd'));
  }

  EditReport edit(const MetadataEdits& edits, const EditOptions& options = {}) {
    return edit_metadata(file_, edits, options);
  }

  Metadata metadata() { return SafeTensors::open(file_).metadata(); }
  std::string header() {
    const std::string bytes = read_file(file_);
    return bytes.substr(8, SafeTensors::open(file_).header_bytes());
  }
  std::uintmax_t size() { return std::filesystem::file_size(file_); }
  unsigned long inode() {
    struct stat status {};
    ::stat(file_.c_str(), &status);
    return status.st_ino;
  }

  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "m.safetensors";
};

::testing::Matcher<EditWay> a_copy() { return AnyOf(EditWay::shared_extents, EditWay::kernel_copy, EditWay::copy); }

TEST_F(EditMetadata, InPlaceWithinTheSlack) {
  write({{"title", "old"}, {"format", "pt"}}, {.metadata_slack = 100});
  const std::string before = read_file(file_);
  const unsigned long same = inode();
  const EditReport report = edit({.remove = {"format"}, .set = {{"title", "new one"}, {"author", "me"}}});
  EXPECT_EQ(report.way, EditWay::in_place);
  EXPECT_TRUE(report.save.atomic && report.save.durable) << report.save.note;
  EXPECT_EQ(metadata(), (Metadata{{"title", "new one"}, {"author", "me"}}));
  EXPECT_EQ(inode(), same);
  EXPECT_EQ(folder_.files(), 1u);
  // Nothing moved: the entries of the tensors and the tensors stay where they were.
  const std::string after = read_file(file_);
  const std::size_t tensors = before.find(",\"a\":");
  EXPECT_EQ(after.substr(tensors), before.substr(tensors));
  const std::size_t padding = header().size() - header().rfind('}') - 1;
  EXPECT_EQ(report.slack, 100 - std::strlen(" one") + padding);
}

// The padding at the header's end is slack, too; then the entries of the tensors move.
TEST_F(EditMetadata, InPlaceWithinThePadding) {
  write({{"k", ""}}, {.alignment = 4096});
  const EditReport report = edit({.set = {{"k", std::string(1000, 'v')}}});
  EXPECT_EQ(report.way, EditWay::in_place);
  EXPECT_EQ(metadata().at("k").size(), 1000u);
  EXPECT_THAT(header(), EndsWith("}}"));  // what is left stands after the metadata now
  EXPECT_EQ(edit({.set = {{"k", std::string(1500, 'w')}}}).way, EditWay::in_place);
  EXPECT_EQ(metadata().at("k"), std::string(1500, 'w'));
}

TEST_F(EditMetadata, CopyWhereItDoesNotFit) {
  write({{"title", "t"}});
  std::filesystem::permissions(file_, std::filesystem::perms(0640));
  const std::string before = read_file(file_);
  const std::size_t old_header = header().size();
  const unsigned long other = inode();
  const EditReport report = edit({.set = {{"title", std::string(50, 'x')}}});
  EXPECT_THAT(report.way, a_copy());
  EXPECT_NE(inode(), other);
  EXPECT_EQ(header().size(), old_header + 4096);
  EXPECT_EQ(read_file(file_).substr(8 + header().size()), before.substr(8 + old_header));
  EXPECT_EQ(metadata().at("title").size(), 50u);
  EXPECT_EQ(std::filesystem::status(file_).permissions(), std::filesystem::perms(0640));
  EXPECT_EQ(folder_.files(), 1u);
  // And now there is room.
  EXPECT_GT(report.slack, 4000u);
  EXPECT_EQ(edit({.set = {{"title", std::string(3000, 'y')}}}).way, EditWay::in_place);
}

TEST_F(EditMetadata, SlackThatIsAskedFor) {
  write({{"k", "v"}});
  const EditReport report = edit({}, {.slack = 10'000});
  EXPECT_THAT(report.way, a_copy());
  EXPECT_GE(report.slack, 10'000u);
  EXPECT_EQ(edit({}, {.slack = 10'000}).way, EditWay::unchanged);
  EXPECT_EQ(edit({.set = {{"k", std::string(9'000, 'v')}}}).way, EditWay::in_place);
  EXPECT_EQ(metadata().at("k").size(), 9'000u);
}

TEST_F(EditMetadata, UnchangedWritesNothing) {
  write({{"k", "v"}});
  const auto before = std::filesystem::last_write_time(file_);
  EXPECT_EQ(edit({.set = {{"k", "v"}}}).way, EditWay::unchanged);
  EXPECT_EQ(edit({.remove = {"k"}, .set = {{"k", "v"}}}).way, EditWay::unchanged);
  EXPECT_EQ(std::filesystem::last_write_time(file_), before);
}

TEST_F(EditMetadata, ToAnotherFile) {
  write({{"k", "v"}});
  const std::string before = read_file(file_);
  const EditReport report = edit({.set = {{"k", "w"}}}, {.output = folder_ / "out"});
  EXPECT_THAT(report.way, a_copy());
  EXPECT_EQ(read_file(file_), before);
  EXPECT_EQ(SafeTensors::open(folder_ / "out").metadata().at("k"), "w");
  EXPECT_EQ(std::filesystem::file_size(folder_ / "out"), size());
}

TEST_F(EditMetadata, AllRemovedAndNoneBefore) {
  write({{"k", "v"}});
  EXPECT_EQ(edit({.remove = {"k"}}).way, EditWay::in_place);
  EXPECT_TRUE(metadata().empty());
  write({});
  EXPECT_THAT(edit({.set = {{"k", "v"}}}).way, a_copy());
  EXPECT_EQ(metadata().at("k"), "v");
  EXPECT_EQ(edit({.set = {{"k", std::string(100, 'v')}}}).way, EditWay::in_place);
}

// Headers of other programs: the entry elsewhere, escaped, with white space; unknown fields. All but the metadata
// stays.
TEST_F(EditMetadata, HeadersOfOtherPrograms) {
  const std::string a = R"("a\"{}": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1], "note": ["}", {"x": "\\"}]})";
  const std::string b = R"("b" : {"dtype":"U8","shape":[],"data_offsets":[1,2]})";
  for (const std::string& json : {"{" + a + "," + b + ", \"__metadata__\" : {\"k\":\"long enough to hold it\"} }  ",
                                  "{\n \"\\u005f_metadata__\":{\"k\" : \"}{\"}     , " + a + "," + b + "}",
                                  "{" + a + ",\t\"__metadata__\":{},\n" + b + "\n}           ",
                                  "{ " + a + "," + b + " }                              "}) {
    write_header(json, 2);
    ASSERT_TRUE(check(file_).valid) << check(file_).detail;
    const EditReport report = edit({.set = {{"k", "v"}}});
    EXPECT_EQ(metadata(), (Metadata{{"k", "v"}})) << json;
    EXPECT_THAT(header(), HasSubstr(a));
    EXPECT_THAT(header(), HasSubstr(b));
    EXPECT_EQ(report.way, EditWay::in_place) << json;
    EXPECT_TRUE(check(file_).valid);
    EXPECT_EQ(edit({.set = {{"k", std::string(500, 'v')}}}).save.note, "");
    EXPECT_EQ(metadata().at("k").size(), 500u);
    EXPECT_THAT(header(), HasSubstr(b));
  }
}

TEST_F(EditMetadata, FileWithoutTensors) {
  write_header("{}", 0);
  EXPECT_THAT(edit({.set = {{"k", "v"}}}).way, a_copy());
  EXPECT_EQ(metadata().at("k"), "v");
  EXPECT_TRUE(check(file_).valid);
}

TEST_F(EditMetadata, ThroughALink) {
  write({{"k", "v"}});
  std::filesystem::create_symlink("m.safetensors", folder_ / "link");
  for (const std::size_t length : {1u, 200u}) {
    edit_metadata(folder_ / "link", {.set = {{"k", std::string(length, 'w')}}});
    EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
    EXPECT_EQ(metadata().at("k").size(), length);
  }
}

TEST_F(EditMetadata, Refuses) {
  write({{"k", "v"}});
  const std::string before = read_file(file_);
  EXPECT_ERROR(edit({.remove = {"none"}}), usage, "has no key \"none\"");
  EXPECT_ERROR(edit({.set = {{"k", "\xFF"}}}), usage, "not UTF-8");
  EXPECT_ERROR(edit({.set = {{"k", std::string(100'000'000, 'v')}}}), limit, "100000000");
  EXPECT_ERROR(edit({}, {.slack = UINT64_MAX}), limit, "100000000");
  EXPECT_ERROR(edit_metadata(folder_.path(), {}), io, "expected a regular file");
  EXPECT_ERROR(edit_metadata(folder_ / "none", {}), io, "No such file");
  test::write_file(folder_ / "bad", "not a tensor file");
  EXPECT_ERROR(edit_metadata(folder_ / "bad", {}), format, "header-too-large");
  EXPECT_ERROR(edit({.set = {{"k", "w"}}}, {.output = folder_ / "none" / "f"}), io, "No such file");
  std::filesystem::permissions(file_, std::filesystem::perms(0444));
  EXPECT_ERROR(edit({.set = {{"k", "w"}}}), io, "is read-only");
  EXPECT_EQ(read_file(file_), before);
  EXPECT_EQ(folder_.files(), 2u);
}

TEST_F(EditMetadata, FolderThatCannotBeWrittenTo) {
  write({{"k", "v"}});
  const std::string before = read_file(file_);
  std::filesystem::permissions(file_, std::filesystem::perms(0666));
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0555));
  std::ignore = ::chown(file_.c_str(), test::Unprivileged::kNobody, static_cast<gid_t>(-1));
  const test::Unprivileged user;
  EXPECT_ERROR(edit({.set = {{"k", "w"}}}), io, "cannot write the journal");
  EXPECT_ERROR(edit({.set = {{"k", std::string(100, 'w')}}}), io, "Permission denied");
  EXPECT_EQ(read_file(file_), before);
}

// Whose journal the other readers would not believe.
TEST_F(EditMetadata, OfSomebodyElsesFileIsACopy) {
  write({{"k", "v"}});
  std::filesystem::permissions(file_, std::filesystem::perms(0666));
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0777));
  struct stat status {};
  ::stat(file_.c_str(), &status);
  const test::Unprivileged user;
  const EditWay way = edit({.set = {{"k", "w"}}}).way;
  EXPECT_EQ(way == EditWay::in_place, status.st_uid == ::geteuid());
  EXPECT_EQ(metadata().at("k"), "w");
}

// A name so long that the journal's would be too long: copied instead.
TEST_F(EditMetadata, LongName) {
  write({{"k", "v"}});
  const std::filesystem::path longest = folder_ / std::string(250, 'n');
  std::filesystem::rename(file_, longest);
  EXPECT_THAT(edit_metadata(longest, {.set = {{"k", "w"}}}).way, a_copy());
  EXPECT_EQ(SafeTensors::open(longest).metadata().at("k"), "w");
}

TEST_F(EditMetadata, Cancel) {
  write({{"k", "v"}});
  const std::string before = read_file(file_);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_ERROR(edit_metadata(file_, {.set = {{"k", "w"}}}, {}, {.cancel = &cancel}), cancelled, "");
  EXPECT_ERROR(edit_metadata(file_, {.set = {{"k", std::string(99, 'w')}}}, {}, {.cancel = &cancel}), cancelled, "");
  EXPECT_EQ(read_file(file_), before);
  EXPECT_EQ(folder_.files(), 1u);
}

// A journal that a stranger put there, or that is no journal, or that is about another file, changes nothing.
TEST_F(EditMetadata, JournalsThatAreNotOurs) {
  write({{"k", "v"}});
  const std::string before = read_file(file_);
  const std::filesystem::path journal = folder_ / ".m.safetensors.safelight-journal";
  for (const std::string& text : {std::string(), std::string("safelight metadata edit 1\n"), std::string(500, 'x'),
                                  "safelight metadata edit 1\n" + std::string(500, '\xFF')}) {
    test::write_file(journal, text);
    EXPECT_EQ(metadata().at("k"), "v");
    EXPECT_EQ(read_file(file_), before);
    EXPECT_FALSE(std::filesystem::exists(journal));
  }
  test::write_file(journal, "x");
  std::filesystem::permissions(journal, std::filesystem::perms(0666));
  {
    // Whoever put it there may have locked the file, too.
    const FileDescriptor file(::open(file_.c_str(), O_RDONLY));
    ASSERT_EQ(::flock(file.get(), LOCK_EX), 0);
    EXPECT_TRUE(check(file_).valid);
    EXPECT_TRUE(std::filesystem::exists(journal));
  }
  EXPECT_THAT(edit({.set = {{"k", "w"}}}).way, a_copy());
}

TEST(ParseMetadata, ObjectOfStrings) {
  EXPECT_EQ(parse_metadata(" {\"a\" : \"\\u00e9\\n\", \"\":\"\"} \n"), (Metadata{{"a", "\xC3\xA9\n"}, {"", ""}}));
  EXPECT_TRUE(parse_metadata("{}").empty());
  for (const char* bad : {"", "[]", "null", "x", R"({"a":1})", R"({"a":"1","a":"2"})", R"({"a":"1"} x)", R"({"a":)",
                          "{\"a\":\"\xFF\"}", R"({},"t":{"dtype":"U8","shape":[],"data_offsets":[0,1]})"})
    EXPECT_ERROR(parse_metadata(bad), format, "expected a JSON object of strings");
}

}  // namespace
}  // namespace safelight
