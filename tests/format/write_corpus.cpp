// write_corpus FOLDER: writes the corpus as files, with index.json, for other readers to be tested with.
#include <fmt/format.h>

#include <cstdio>

#include "core/json_text.h"
#include "corpus.h"
#include "support/temporary_folder.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_corpus FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  std::string index = "[";
  for (int number = 0; const safelight::test::CorpusCase& c : safelight::test::corpus()) {
    const std::string file = fmt::format("{:03}.safetensors", ++number);
    safelight::test::write_file(folder / file, c.bytes());
    index += fmt::format("{}\n{{\"file\":\"{}\",\"name\":{},\"strict\":\"{}\",\"compat\":\"{}\"}}",
                         number > 1 ? "," : "", file, safelight::json_string(c.name), c.strict, c.compat);
  }
  safelight::test::write_file(folder / "index.json", index + "\n]\n");
  return 0;
}
