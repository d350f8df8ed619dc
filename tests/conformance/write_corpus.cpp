// write_corpus FOLDER: writes the corpus as files, with manifest.json, for other readers to be tested with.
// write_corpus --small FOLDER: only the files of up to 4 KB, and no manifest: seeds for the fuzzer.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>

#include "conformance/corpus.h"
#include "core/json_text.h"
#include "support/temporary_folder.h"

namespace {

using safelight::json_string;
using safelight::test::CorpusCase;

constexpr std::size_t kSmall = 4096, kLongestSlug = 60;

// The name of a case as part of a file's name: "header-length-2-64-1".
std::string slug(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  out.resize(std::min(out.find_last_not_of('-') + 1, kLongestSlug));
  return out;
}

std::string manifest_line(const CorpusCase& c, const std::string& file, std::size_t bytes) {
  return fmt::format(R"({{"file":"{}","name":{},"bytes":{},"strict":"{}","compat":"{}","repair":"{}","why":{}}})", file,
                     json_string(c.name), bytes, c.verdicts.strict, c.verdicts.compat, c.verdicts.repair,
                     json_string(c.why));
}

}  // namespace

int main(int argc, char** argv) {
  const bool small = argc == 3 && std::strcmp(argv[1], "--small") == 0;
  if (argc != 2 && !small) {
    std::fputs("usage: write_corpus [--small] FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[argc - 1];
  std::filesystem::create_directories(folder);
  std::string lines;
  for (int number = 0; const CorpusCase& c : safelight::test::corpus()) {
    const std::string file = fmt::format("{:03}-{}.safetensors", ++number, slug(c.name));
    const std::string bytes = c.bytes();
    if (small && bytes.size() > kSmall) continue;
    safelight::test::write_file(folder / file, bytes);
    lines += (lines.empty() ? "\n" : ",\n") + manifest_line(c, file, bytes.size());
  }
  if (!small) safelight::test::write_file(folder / "manifest.json", "[" + lines + "\n]\n");
  return 0;
}
