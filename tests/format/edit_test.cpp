#include "safelight/edit.h"

#include <gmock/gmock.h>

#include "safelight/content_hash.h"
#include "safelight/writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::read_file;
using test::TemporaryFolder;
using test::write_file;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class Edit : public ::testing::Test {
 protected:
  // A file whose tensors hold the bytes of their names.
  SafeTensors file_with(const std::string& file, const std::vector<std::string>& names, const Metadata& metadata = {}) {
    std::vector<NamedTensor> tensors;
    for (const std::string& name : names) {
      Tensor t = Tensor::allocate(DType::U8, {static_cast<std::int64_t>(name.size())});
      std::copy(name.begin(), name.end(), reinterpret_cast<char*>(t.mutable_data()));
      tensors.push_back({name, t});
    }
    save(folder_ / file, tensors, metadata);
    return SafeTensors::open(folder_ / file);
  }
  static std::vector<std::string> names(const std::vector<PendingTensor>& tensors) {
    std::vector<std::string> list;
    for (const PendingTensor& t : tensors) list.push_back(t.name);
    return list;
  }
  static std::string bytes_of(const Tensor& t) { return {reinterpret_cast<const char*>(t.data()), t.bytes()}; }

  TemporaryFolder folder_;
};

TEST_F(Edit, TensorsOfAFileKeepItOpen) {
  std::vector<PendingTensor> tensors = tensors_of(file_with("f", {"a", "bc", ""}));
  std::filesystem::remove(folder_ / "f");
  ASSERT_EQ(tensors.size(), 3u);
  for (const PendingTensor& t : tensors) {
    EXPECT_EQ(bytes_of(t.make()), t.name);
    EXPECT_EQ(t.make().shape(), t.shape);
  }
}

TEST_F(Edit, TruncatedMeanwhileIsAnError) {
  const SafeTensors file = file_with("f", {"abcdefgh"});
  const std::vector<PendingTensor> tensors = tensors_of(file);
  std::filesystem::resize_file(folder_ / "f", file.file_bytes() - 1);
  EXPECT_ERROR(save(folder_ / "out", tensors, {}), io, "f");
  EXPECT_EQ(folder_.files(), 1u);
}

TEST_F(Edit, KeepAndDropByPattern) {
  const auto all = [&] { return tensors_of(file_with("f", {"net.a.bias", "net.a.w", "vae.bias", "z"})); };
  const std::vector<std::string> patterns = {"*.bias", "z"};
  EXPECT_THAT(names(keep(all(), patterns)), ElementsAre("net.a.bias", "vae.bias", "z"));
  EXPECT_THAT(names(drop(all(), patterns)), ElementsAre("net.a.w"));
  const std::vector<std::string> typo = {"*.bias", "nte.*"};
  EXPECT_ERROR(keep(all(), typo), model, "\"nte.*\"");
  EXPECT_ERROR(drop(all(), typo), model, "\"nte.*\"");
}

TEST_F(Edit, RenamesInOrder) {
  std::vector<PendingTensor> tensors = tensors_of(file_with("f", {"model.a.b.c", "model.old", "x"}));
  const std::vector<RenamedTensor> renamed =
      rename(tensors, {.names = {{"model.old", "model.new.b"}, {"not there", "y"}},
                       .strip_prefix = "model.",
                       .substitutions = {parse_substitution("s/\\./_/g"), parse_substitution("s|^(.)_|\\1/|")},
                       .add_prefix = "p."});
  EXPECT_THAT(names(tensors), UnorderedElementsAre("p.a/b_c", "p.new_b", "p.x"));
  EXPECT_EQ(renamed.size(), 3u);
  EXPECT_TRUE(rename(tensors, {}).empty());
}

TEST_F(Edit, CollisionsAreListedAndChangeNothing) {
  std::vector<PendingTensor> tensors = tensors_of(file_with("f", {"a1", "a2", "b1", "b2", "c"}));
  EXPECT_ERROR(rename(tensors, {.substitutions = {parse_substitution("s/[0-9]//")}}), usage,
               "2 names would belong to several tensors: \"a\" from \"a1\", \"a2\"; \"b\" from \"b1\", \"b2\"");
  EXPECT_THAT(names(tensors), ElementsAre("a1", "a2", "b1", "b2", "c"));
  EXPECT_ERROR(rename(tensors, {.names = {{"a1", "c"}}}), usage, "\"c\" from \"a1\", \"c\"");
  EXPECT_EQ(rename(tensors, {.names = {{"a1", "a2"}, {"a2", "a1"}}}).size(), 2u) << "swapping is no collision";
}

TEST_F(Edit, Substitutions) {
  const Substitution s = parse_substitution("s,a\\,b\\.,\\1\\,x,g");
  EXPECT_EQ(s.regex, "a,b\\.");
  EXPECT_EQ(s.replacement, "\\1,x");
  EXPECT_TRUE(s.every);
  for (const char* bad : {"", "s", "s/", "s/a", "s/a/b", "s//b/", "s/a/b/x", "s/a/b/g/", "y/a/b/", "s\\a\\b\\"})
    EXPECT_ERROR(parse_substitution(bad), usage, "s/REGEX/REPLACEMENT/");
  std::vector<PendingTensor> tensors = tensors_of(file_with("f", {"a"}));
  EXPECT_ERROR(rename(tensors, {.substitutions = {{.regex = "(", .replacement = ""}}}), usage, "no regular expression");
  EXPECT_ERROR(rename(tensors, {.substitutions = {{.regex = "a", .replacement = "\\1"}}}), usage, "no replacement");
}

// A backtracking matcher would take for ever on this, and one that recurses would run out of stack.
TEST_F(Edit, HostileNamesTakeLittleTime) {
  std::vector<PendingTensor> tensors = tensors_of(file_with("f", {std::string(1'000'000, 'a')}));
  EXPECT_TRUE(rename(tensors, {.substitutions = {parse_substitution("s/(a|aa)*(a|b)*c$/x/")}}).empty());
}

TEST_F(Edit, NameMaps) {
  const auto map = [&](const std::string& text) {
    write_file(folder_ / "map.json", text);
    return read_name_map(folder_ / "map.json");
  };
  EXPECT_THAT(map(R"( {"a":"b", "\u0063":"\n"} )"), ElementsAre(std::pair("a", "b"), std::pair("c", "\n")));
  for (const char* bad : {"", "[]", R"({"a":1})", R"({"a":"b","a":"c"})", R"({"a":"b"}x)", "{\"\xFF\":\"\"}"})
    EXPECT_ERROR(map(bad), format, "map.json");
  EXPECT_ERROR(read_name_map(folder_ / "none"), io, "No such file");
}

TEST_F(Edit, JoinTakesAll) {
  const std::vector<SafeTensors> files = {file_with("f", {"a", "b"}, {{"k", "1"}, {"l", "2"}}),
                                          file_with("g", {"c"}, {{"k", "3"}, {"m", "4"}})};
  EXPECT_THAT(names(join(files)), ElementsAre("a", "b", "c"));
  const JoinedMetadata joined = join_metadata(files);
  EXPECT_EQ(joined.metadata, (Metadata{{"k", "1"}, {"l", "2"}, {"m", "4"}}));
  EXPECT_THAT(joined.conflicts, ElementsAre("k"));
}

TEST_F(Edit, JoinRefusesRepeatedNames) {
  const std::vector<SafeTensors> files = {file_with("f", {"a", "b", "c"}), file_with("g", {"c", "d", "a"})};
  EXPECT_ERROR(join(files), usage, "same tensors: \"a\", \"c\"");
}

TEST_F(Edit, HashesOfTheOldContentDoNotStay) {
  EXPECT_EQ(without_hashes({{std::string(kContentHashKey), "x"}, {std::string(kTensorHashesKey), "y"}, {"k", "v"}}),
            (Metadata{{"k", "v"}}));
}

TEST_F(Edit, SplitByPrefix) {
  const std::vector<Part> parts =
      split_by_prefix(tensors_of(file_with("f", {"unet.a", "vae.b.c", "unet.d", "alone", "", ".x", "../etc/x.y"})));
  std::vector<std::string> files;
  for (const Part& part : parts) files.push_back(part.file);
  EXPECT_THAT(files, ElementsAre("%.safetensors", "alone.safetensors", "unet.safetensors", "vae.safetensors"));
  EXPECT_THAT(names(parts[2].tensors), UnorderedElementsAre("unet.a", "unet.d"));
}

TEST_F(Edit, FileNamesOfPartsAreSafe) {
  const auto file = [&](const std::string& name) {
    return split_by_prefix(tensors_of(file_with("f", {name})))[0].file;
  };
  EXPECT_EQ(file("/etc/passwd.x"), "%2Fetc%2Fpasswd.safetensors");
  EXPECT_EQ(file("a b\n%.x"), "a%20b%0A%25.safetensors");
  EXPECT_EQ(file("\xC3\xA9"), "%C3%A9.safetensors");
  EXPECT_ERROR(file(std::string(300, 'a')), limit, "too long");
}

TEST_F(Edit, SplitBySize) {
  const auto parts = [&](std::uint64_t bytes) {
    return split_by_size(tensors_of(file_with("f", {"aaaa", "bb", "ccc", "d"})), "model", bytes);
  };
  ASSERT_EQ(parts(100).size(), 1u);
  EXPECT_EQ(parts(100)[0].file, "model.safetensors");
  const std::vector<Part> three = parts(4);
  ASSERT_EQ(three.size(), 3u);
  EXPECT_EQ(three[1].file, "model-00002-of-00003.safetensors");
  EXPECT_THAT(names(three[1].tensors), ElementsAre("bb"));
  EXPECT_THAT(names(three[2].tensors), ElementsAre("ccc", "d"));
  EXPECT_EQ(parts(1).size(), 4u);
}

TEST_F(Edit, SavesPartsWithTheirIndex) {
  const std::vector<Part> parts = split_by_prefix(tensors_of(file_with("f", {"u.a", "v.bc", "u.d"})));
  std::int64_t last = 0, total = 0;
  Context context;
  context.on_progress = [&](const Progress& p) {
    EXPECT_GE(p.done, last);
    last = p.done;
    total = p.total;
  };
  save_parts(folder_ / "set", "f", parts, {{"k", "v"}}, context);
  EXPECT_EQ(last, 10);
  EXPECT_EQ(total, 10);
  const SafeTensors u = SafeTensors::open(folder_ / "set" / "u.safetensors");
  EXPECT_EQ(bytes_of(u.tensor("u.d")), "u.d");
  EXPECT_EQ(u.metadata(), (Metadata{{"k", "v"}}));
  EXPECT_EQ(read_file(folder_ / "set" / "f.safetensors.index.json"), R"({
  "metadata": {
    "total_size": 10
  },
  "weight_map": {
    "u.a": "u.safetensors",
    "u.d": "u.safetensors",
    "v.bc": "v.safetensors"
  }
}
)");
}

TEST_F(Edit, AFolderInUseIsNotTouched) {
  const std::vector<Part> parts = split_by_prefix(tensors_of(file_with("f", {"a"})));
  std::filesystem::create_directory(folder_ / "set");
  save_parts(folder_ / "set", "f", parts, {});
  EXPECT_ERROR(save_parts(folder_ / "set", "f", parts, {}), io, "expected a new or an empty folder");
  EXPECT_ERROR(save_parts(folder_ / "f", "f", parts, {}), io, "there already");
  EXPECT_ERROR(save_parts(folder_ / "no" / "set", "f", parts, {}), io, "No such file");
  EXPECT_EQ(folder_.files(), 2u);
}

TEST_F(Edit, AnEmptyFolderBehindALinkIsFilled) {
  const std::vector<Part> parts = split_by_prefix(tensors_of(file_with("f", {"a"})));
  std::filesystem::create_directory(folder_ / "set");
  std::filesystem::create_directory_symlink("set", folder_ / "link");
  save_parts(folder_ / "link", "f", parts, {});
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "set" / "a.safetensors"));
  EXPECT_EQ(folder_.files(), 3u);
}

TEST_F(Edit, AFailedSetLeavesNothing) {
  std::vector<Part> parts = split_by_prefix(tensors_of(file_with("f", {"a", "b"})));
  CancelToken token;
  parts[1].tensors[0].make = [&]() -> Tensor {
    token.cancel();
    throw Error(ErrorCategory::io, "no more");
  };
  EXPECT_ERROR(save_parts(folder_ / "set", "f", parts, {}), io, "no more");
  EXPECT_ERROR(save_parts(folder_ / "set", "f", parts, {}, {.cancel = &token}), cancelled, "");
  EXPECT_EQ(folder_.files(), 1u);
}

}  // namespace
}  // namespace safelight
