// PNG: what is written is read back; what is no PNG, damaged or too large is refused.
#include <gmock/gmock.h>

#include <array>
#include <limits>

#include "safelight/error.h"
#include "safelight/picture.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

Picture gradient(std::int64_t width, std::int64_t height) {
  Picture picture(width, height);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = static_cast<std::uint8_t>(i * 7 % 256);
  return picture;
}

std::string error_of(std::span<const std::byte> file, ErrorCategory category) {
  try {
    decode_png(file, "x.png");
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), category) << e.what();
    return e.what();
  }
  return "no error";
}

std::vector<std::byte> bytes(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

TEST(Png, RoundTrip) {
  const PictureText text{{"parameters", "a house\nSteps: 1"}, {"Comment", "caf\u00e9, \u6c34"}, {"empty", ""}};
  const Picture picture = gradient(17, 5);
  const PictureFile file = decode_png(encode_png(picture, text));
  EXPECT_EQ(file.picture.width, 17);
  EXPECT_EQ(file.picture.height, 5);
  EXPECT_EQ(file.picture.rgb, picture.rgb);
  EXPECT_EQ(file.text, text);
}

TEST(Png, AsciiTextIsInAChunkThatEveryReaderKnows) {
  const std::vector<std::byte> ascii = encode_png(gradient(1, 1), {{"parameters", "plain"}});
  const std::vector<std::byte> other = encode_png(gradient(1, 1), {{"parameters", "\u00e9"}});
  const auto contains = [](const std::vector<std::byte>& file, std::string_view chunk) {
    return std::string_view(reinterpret_cast<const char*>(file.data()), file.size()).find(chunk) != std::string::npos;
  };
  EXPECT_TRUE(contains(ascii, "tEXtparameters"));
  EXPECT_TRUE(contains(other, "iTXtparameters"));
}

TEST(Png, TruncatedAnywhereIsAnErrorNotACrash) {
  const std::vector<std::byte> whole = encode_png(gradient(9, 9), {{"parameters", "text"}});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(decode_png(std::span(whole).first(size)), Error) << size;
}

TEST(Png, EveryFlippedByteIsAnErrorOrAPicture) {
  const std::vector<std::byte> whole = encode_png(gradient(9, 9), {{"parameters", "text"}});
  int errors = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::vector<std::byte> damaged = whole;
    damaged[i] ^= std::byte{0x55};
    try {
      EXPECT_LE(decode_png(damaged).picture.rgb.size(), 300'000'000u);
    } catch (const Error&) {
      ++errors;
    }
  }
  EXPECT_GT(errors, 8);  // the signature at least
}

TEST(Png, OtherFilesAreSaidByName) {
  using ::testing::HasSubstr;
  EXPECT_THAT(error_of({}, ErrorCategory::format), HasSubstr("an empty file"));
  EXPECT_THAT(error_of(bytes("\xFF\xD8\xFF\xE0 and so on"), ErrorCategory::format), HasSubstr("JPEG"));
  EXPECT_THAT(error_of(bytes("version https://git-lfs.github.com/spec/v1"), ErrorCategory::format),
              HasSubstr("Git LFS pointer"));
  EXPECT_THAT(error_of(bytes("something else"), ErrorCategory::format), HasSubstr("x.png: expected a PNG picture"));
}

// The size in IHDR, with its checksum made right again.
std::vector<std::byte> with_size(std::vector<std::byte> file, std::uint32_t width, std::uint32_t height) {
  for (int i = 0; i < 4; ++i) {
    file[static_cast<std::size_t>(16 + i)] = static_cast<std::byte>(width >> (24 - 8 * i));
    file[static_cast<std::size_t>(20 + i)] = static_cast<std::byte>(height >> (24 - 8 * i));
  }
  std::uint32_t crc = 0xFFFFFFFFu;
  for (std::size_t i = 12; i < 29; ++i) {
    crc ^= static_cast<std::uint32_t>(file[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  crc = ~crc;
  for (int i = 0; i < 4; ++i) file[static_cast<std::size_t>(29 + i)] = static_cast<std::byte>(crc >> (24 - 8 * i));
  return file;
}

TEST(Png, BombsAreRefusedBeforeAnythingIsAllocated) {
  const std::vector<std::byte> small = encode_png(gradient(3, 3));
  EXPECT_EQ(decode_png(with_size(small, 3, 3)).picture.width, 3);
  EXPECT_THAT(error_of(with_size(small, 65535, 65535), ErrorCategory::limit), ::testing::HasSubstr("65535 x 65535"));
  EXPECT_THAT(error_of(with_size(small, 70000, 3), ErrorCategory::format), ::testing::HasSubstr("damaged"));
}

TEST(Png, KeywordsThatPngForbidsAreRefused) {
  for (const std::string& key : {std::string(), std::string(80, 'k'), std::string(" k"), std::string("k\n")})
    EXPECT_THROW(encode_png(gradient(1, 1), {{key, "text"}}), Error) << key;
  EXPECT_THROW(encode_png(gradient(1, 1), {{"key", std::string("a\0b", 3)}}), Error);
}

TEST(Png, FilesAreWrittenWholeOrNotAtAll) {
  const test::TemporaryFolder folder;
  write_png(folder / "a.png", gradient(4, 4), {{"parameters", "x"}});
  const PictureFile file = read_png(folder / "a.png");
  EXPECT_EQ(file.picture.rgb, gradient(4, 4).rgb);
  EXPECT_EQ(file.text.at("parameters"), "x");
  EXPECT_THROW(write_png(folder / "missing" / "a.png", gradient(4, 4)), Error);
  EXPECT_EQ(folder.files(), 1u);
}

TEST(ToPicture, RoundsAndClamps) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::array<float, 9> values{-1, 0, 1, -1.5f, 1.5f, nan, -inf, inf, 1 - 1.0f / 128};
  const Picture picture = to_picture(Tensor::from(values, {1, 1, 3, 3}));
  EXPECT_EQ(picture.width, 3);
  EXPECT_EQ(picture.height, 1);
  EXPECT_THAT(picture.rgb, ::testing::ElementsAre(0, 128, 255, 0, 255, 0, 0, 255, 254));
}

}  // namespace
}  // namespace safelight
