// What the shared library exports, and what it needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <sstream>

namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::string output;
  std::array<char, 4096> piece;
  while (const std::size_t n = std::fread(piece.data(), 1, piece.size(), pipe.get())) output.append(piece.data(), n);
  return output;
}

// The functions that safelight.h declares.
std::set<std::string> declared() {
  std::ifstream header(SAFELIGHT_SOURCE_DIR "/include/safelight/safelight.h");
  const std::string text(std::istreambuf_iterator<char>(header), {});
  const std::regex declaration(R"(SAFELIGHT_API [^;(]*?\b(safelight_\w+)\()");
  std::set<std::string> names;
  for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end; ++match)
    names.insert((*match)[1]);
  return names;
}

// The library's symbols for others, without the version's own name.
std::set<std::string> exported() {
  std::istringstream lines(output_of("nm --dynamic --defined-only --format=posix " SAFELIGHT_SHARED_LIBRARY));
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    std::string name = line.substr(0, line.find(' '));
    name = name.substr(0, name.find('@'));
    if (name != "SAFELIGHT_1") names.insert(name);
  }
  return names;
}

TEST(SharedLibrary, ExportsWhatTheHeaderDeclaresAndNothingElse) {
  EXPECT_GT(declared().size(), 40u);
  EXPECT_EQ(exported(), declared());
}

TEST(SharedLibrary, NeedsNothingOfThePictures) {
  const std::string needed = output_of("readelf --dynamic --wide " SAFELIGHT_SHARED_LIBRARY);
  EXPECT_THAT(needed, testing::HasSubstr("libsafelight.so.1"));
  for (const char* library : {"libpng", "libfreetype", "libutf8proc"})
    EXPECT_THAT(needed, testing::Not(testing::HasSubstr(library)));
}

}  // namespace
