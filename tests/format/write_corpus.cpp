// write_corpus FOLDER: writes the corpus as files, with index.json, for other readers to be tested with.
// write_corpus --small FOLDER: only the files of up to 4 KB, and no index: seeds for the fuzzer.
#include <fmt/format.h>

#include <cstdio>
#include <cstring>

#include "core/json_text.h"
#include "corpus.h"
#include "support/temporary_folder.h"

constexpr std::size_t kSmall = 4096;

int main(int argc, char** argv) {
  const bool small = argc == 3 && std::strcmp(argv[1], "--small") == 0;
  if (argc != 2 && !small) {
    std::fputs("usage: write_corpus [--small] FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[argc - 1];
  std::filesystem::create_directories(folder);
  std::string index = "[";
  for (int number = 0; const safelight::test::CorpusCase& c : safelight::test::corpus()) {
    const std::string file = fmt::format("{:03}.safetensors", ++number);
    const std::string bytes = c.bytes();
    if (small && bytes.size() > kSmall) continue;
    safelight::test::write_file(folder / file, bytes);
    index += fmt::format("{}\n{{\"file\":\"{}\",\"name\":{},\"strict\":\"{}\",\"compat\":\"{}\"}}",
                         index.size() > 1 ? "," : "", file, safelight::json_string(c.name), c.strict, c.compat);
  }
  if (!small) safelight::test::write_file(folder / "index.json", index + "\n]\n");
  return 0;
}
