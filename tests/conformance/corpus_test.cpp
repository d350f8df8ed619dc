// Every file of the corpus gets its verdicts: strict and compat from check() and open(), and that of repair, whose
// result is a strict file.
#include "conformance/corpus.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <set>

#include "core/file_descriptor.h"
#include "safelight/error.h"
#include "safelight/repair.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

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

constexpr std::uintmax_t kLarge = 50'000'000;  // files to go through no more often than need be

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
      const std::string& rule = mode == Mode::strict ? c.verdicts.strict : c.verdicts.compat;
      expect_verdict(file.path(), mode, rule);
      if (std::filesystem::file_size(file.path()) < kLarge) expect_open(file.path(), mode, rule);
    }
  }
}

// What is repaired says what was changed, unless the file was sound; what is not, leaves nothing behind.
void expect_repair(const std::filesystem::path& path, const Verdicts& verdicts) {
  const TemporaryFolder folder;
  const RepairPlan plan = plan_repair(path);
  EXPECT_EQ(plan.verdict.rule, verdicts.repair) << plan.verdict.detail;
  EXPECT_EQ(plan.verdict.valid, verdicts.repair == "ok");
  if (!plan.verdict.valid) {
    if (std::filesystem::file_size(path) < kLarge) {
      EXPECT_THROW(repair(path, folder / "out"), Error);
    }
    EXPECT_EQ(folder.files(), 0u);
    return;
  }
  EXPECT_TRUE(verdicts.strict == "ok" || !plan.changes.empty());
  EXPECT_EQ(repair(path, folder / "out").changes, plan.changes);
  const Verdict repaired = check(folder / "out");
  EXPECT_TRUE(repaired.valid) << repaired.rule << ": " << repaired.detail;
  EXPECT_TRUE(plan_repair(folder / "out").changes.empty()) << "a repaired file needs no repair";
}

TEST(Corpus, EveryFileIsRepairedOrRefused) {
  for (const CorpusCase& c : corpus()) {
    SCOPED_TRACE(c.name);
    expect_repair(MemoryFile(c.bytes()).path(), c.verdicts);
  }
}

// Each mode accepts what the stricter one accepts.
TEST(Corpus, StrictThenCompatThenRepair) {
  for (const CorpusCase& c : corpus()) {
    EXPECT_TRUE(c.verdicts.strict != "ok" || c.verdicts.compat == "ok") << c.name;
    EXPECT_TRUE(c.verdicts.compat != "ok" || c.verdicts.repair == "ok") << c.name;
  }
}

TEST(Corpus, EveryCaseHasItsNameAndAReason) {
  std::set<std::string> names;
  for (const CorpusCase& c : corpus()) {
    EXPECT_TRUE(names.insert(c.name).second) << c.name;
    EXPECT_FALSE(c.why.empty()) << c.name;
  }
  EXPECT_GE(names.size(), 120u);
}

}  // namespace
}  // namespace safelight::test
