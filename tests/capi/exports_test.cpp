// What the shared library exports, and what it needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

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
  constexpr std::string_view kMark = "SAFELIGHT_API ";
  std::set<std::string> names;
  for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at + 1)) {
    const std::size_t end = text.find('(', at), begin = text.find_last_of(" *", end) + 1;
    if (text.compare(begin, 10, "safelight_") == 0) names.insert(text.substr(begin, end - begin));
  }
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
