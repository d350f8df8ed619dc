// Every file of the corpus gets its verdict, in both modes.
#include "corpus.h"

#include <gtest/gtest.h>

#include <set>

#include "safelight/error.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

TEST(Corpus, EveryFileGetsItsVerdict) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "case.safetensors";
  for (const CorpusCase& c : corpus()) {
    SCOPED_TRACE(c.name);
    write_file(path, c.bytes());
    for (const Mode mode : {Mode::strict, Mode::compat}) {
      const Verdict verdict = check(path, mode);
      const std::string& expected = mode == Mode::strict ? c.strict : c.compat;
      EXPECT_EQ(verdict.rule, expected) << (mode == Mode::strict ? "strict: " : "compat: ") << verdict.detail;
      EXPECT_EQ(verdict.valid, expected == "ok");
      EXPECT_EQ(verdict.detail.empty(), verdict.valid);
      EXPECT_EQ(verdict.detail.find('\n'), std::string::npos) << "a detail is one line";
    }
  }
}

// open() accepts what check() accepts, and its error names the file and the rule.
TEST(Corpus, OpenAgreesWithCheck) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "case.safetensors";
  for (const CorpusCase& c : corpus()) {
    SCOPED_TRACE(c.name);
    const std::string bytes = c.bytes();
    if (bytes.size() > 1'000'000) continue;  // seen above
    write_file(path, bytes);
    try {
      const SafeTensors file = SafeTensors::open(path);
      EXPECT_EQ(c.strict, "ok");
      EXPECT_EQ(file.file_bytes(), bytes.size());
      EXPECT_EQ(file.path(), path);
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), ErrorCategory::format);
      EXPECT_NE(std::string(e.what()).find(path.native()), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("(rule " + c.strict + ")"), std::string::npos) << e.what();
    }
  }
}

TEST(Corpus, StrictAcceptsNothingThatCompatRejects) {
  for (const CorpusCase& c : corpus()) EXPECT_TRUE(c.strict != "ok" || c.compat == "ok") << c.name;
}

TEST(Corpus, NamesAreUnique) {
  std::set<std::string> names;
  for (const CorpusCase& c : corpus()) EXPECT_TRUE(names.insert(c.name).second) << c.name;
}

}  // namespace
}  // namespace safelight::test
