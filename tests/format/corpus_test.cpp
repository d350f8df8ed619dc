// Every file of the corpus gets its verdict, in both modes, from check() and from open().
#include "corpus.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <set>

#include "core/file_descriptor.h"
#include "safelight/error.h"
#include "safelight/safetensors.h"

namespace safelight::test {
namespace {

// A file in memory: the corpus holds several of 100 MB.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& bytes) : fd_(::memfd_create("case.safetensors", MFD_CLOEXEC)) {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t written = ::write(fd_.get(), bytes.data() + done, bytes.size() - done);
      if (written <= 0) throw std::runtime_error("cannot write a file in memory");
      done += static_cast<std::size_t>(written);
    }
  }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  FileDescriptor fd_;
};

void expect_verdict(const std::filesystem::path& path, Mode mode, const std::string& rule) {
  const Verdict verdict = check(path, mode);
  EXPECT_EQ(verdict.rule, rule) << verdict.detail;
  EXPECT_EQ(verdict.valid, rule == "ok");
  EXPECT_EQ(verdict.detail.empty(), verdict.valid);
  EXPECT_EQ(verdict.detail.find('\n'), std::string::npos) << "a detail is one line";
}

// open() accepts what check() accepts, and its error names the file and the rule.
void expect_open(const std::filesystem::path& path, Mode mode, const std::string& rule) {
  try {
    const SafeTensors file = SafeTensors::open(path, mode);
    EXPECT_EQ(rule, "ok");
    EXPECT_EQ(file.file_bytes(), std::filesystem::file_size(path));
    EXPECT_EQ(file.path(), path);
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), ErrorCategory::format);
    EXPECT_NE(std::string(e.what()).find(path.native()), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("(rule " + rule + ")"), std::string::npos) << e.what();
  }
}

TEST(Corpus, EveryFileGetsItsVerdict) {
  for (const CorpusCase& c : corpus()) {
    SCOPED_TRACE(c.name);
    const MemoryFile file(c.bytes());
    for (const Mode mode : {Mode::strict, Mode::compat}) {
      SCOPED_TRACE(mode == Mode::strict ? "strict" : "compat");
      const std::string& rule = mode == Mode::strict ? c.strict : c.compat;
      expect_verdict(file.path(), mode, rule);
      expect_open(file.path(), mode, rule);
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
