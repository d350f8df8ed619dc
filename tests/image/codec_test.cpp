// JPEG, WebP and PNG: what Pillow wrote is seen as Pillow sees it; what is written is read back; what is damaged, too
// large or something else is refused.
#include "image/codec.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

#include "image/pictures.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;

const std::string kText =
    "a caf\u00e9, \u6c34 and \U0001f3e0\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, Seed: 42, Size: 24x16";

const Goldens& files() {
  static const Goldens goldens("files.safetensors");
  return goldens;
}

PictureFile golden(const std::string& name) { return decode_picture(files().bytes(name + ".file"), name); }

// The largest difference to what Pillow sees.
int difference_to_pillow(const std::string& name, const PictureFile& file) {
  const Tensor shape = files().tensor(name + ".rgba");
  EXPECT_EQ(file.picture.width, shape.dim(1)) << name;
  EXPECT_EQ(file.picture.height, shape.dim(0)) << name;
  if (file.picture.width != shape.dim(1) || file.picture.height != shape.dim(0)) return 256;
  const PictureFile expected = from_rgba(shape.dim(1), shape.dim(0), files().numbers(name + ".rgba"));
  EXPECT_EQ(file.alpha, expected.alpha) << name;
  return largest_difference(file.picture.rgb, expected.picture.rgb);
}

TEST(Codecs, LosslessFilesAreSeenAsPillowSeesThem) {
  for (const std::string name : {"png_rgb", "png_rgba", "png_palette", "png_16", "png_exif", "webp_lossless",
                                 "webp_alpha", "webp_text", "webp_animated", "webp_orientation_8"})
    EXPECT_EQ(difference_to_pillow(name, golden(name)), 0) << name;
  EXPECT_FALSE(golden("webp_alpha").alpha.empty());
  EXPECT_FALSE(golden("png_rgba").alpha.empty());
  EXPECT_EQ(golden("png_rgb").format, PictureFormat::png);
  EXPECT_EQ(golden("webp_animated").format, PictureFormat::webp);
  EXPECT_EQ(golden("jpeg_rgb").format, PictureFormat::jpeg);
}

// Decoders may differ in how they round, and in how they enlarge the colours' planes.
TEST(Codecs, LossyFilesAreSeenNearlyAsPillowSeesThem) {
  for (const std::string name :
       {"jpeg_rgb", "jpeg_420", "jpeg_progressive", "jpeg_grey", "jpeg_cmyk", "jpeg_text", "webp_lossy"})
    EXPECT_LE(difference_to_pillow(name, golden(name)), 2) << name;
}

TEST(Codecs, EveryOrientationIsPutUpright) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string name = "jpeg_orientation_" + std::to_string(orientation);
    const PictureFile file = golden(name);
    EXPECT_EQ(file.orientation, orientation);
    EXPECT_LE(difference_to_pillow(name, file), 2) << name;
  }
  EXPECT_EQ(golden("png_exif").orientation, 6);
}

TEST(Codecs, AlphaTurnsWithItsPicture) {
  PictureFile file = from_rgba(2, 1, std::vector<std::uint8_t>{10, 20, 30, 255, 40, 50, 60, 0});
  EXPECT_THAT(file.picture.rgb, ::testing::ElementsAre(10, 20, 30, 255, 255, 255));
  apply_exif(file, {.orientation = 8, .text = {}});
  EXPECT_EQ(file.picture.width, 1);
  EXPECT_EQ(file.picture.height, 2);
  EXPECT_THAT(file.picture.rgb, ::testing::ElementsAre(255, 255, 255, 10, 20, 30));
  EXPECT_THAT(file.alpha, ::testing::ElementsAre(0, 255));
}

TEST(Codecs, TextThatTheWebUiWrote) {
  EXPECT_EQ(golden("jpeg_text").text, (PictureText{{"parameters", kText}}));
  EXPECT_EQ(golden("webp_text").text, (PictureText{{"parameters", kText}}));
  EXPECT_EQ(golden("jpeg_rgb").text, PictureText());
}

TEST(Codecs, RoundTripsWithText) {
  const Picture picture = waves(37, 21);
  const PictureText text{{"parameters", kText}};
  for (const PictureFormat format : {PictureFormat::png, PictureFormat::jpeg, PictureFormat::webp}) {
    const PictureFile file = decode_picture(encode_picture(format, picture, text, {.quality = 95, .lossless = true}));
    EXPECT_EQ(file.format, format);
    EXPECT_EQ(file.text, text) << name(format);
    EXPECT_TRUE(file.alpha.empty());
    ASSERT_EQ(file.picture.rgb.size(), picture.rgb.size());
    EXPECT_LE(largest_difference(file.picture.rgb, picture.rgb), format == PictureFormat::jpeg ? 8 : 0);
  }
}

TEST(Codecs, QualityMakesFilesLarger) {
  for (const PictureFormat format : {PictureFormat::jpeg, PictureFormat::webp}) {
    const auto size = [&](int quality) {
      return encode_picture(format, waves(64, 64), {}, {.quality = quality}).size();
    };
    EXPECT_LT(size(20), size(80)) << name(format);
    EXPECT_LT(size(80), size(100)) << name(format);
  }
}

TEST(Codecs, RefuseWhatAFormatCannotHold) {
  for (const PictureFormat format : {PictureFormat::jpeg, PictureFormat::webp}) {
    EXPECT_ERROR(encode_picture(format, gradient(2, 2), {{"workflow", "{}"}}), usage, "'workflow'");
    EXPECT_ERROR(encode_picture(format, gradient(2, 2), {{"parameters", std::string("a\0b", 3)}}), usage, "NUL");
    EXPECT_ERROR(encode_picture(format, gradient(2, 2), {}, {.quality = 0}), usage, "1 to 100");
    EXPECT_ERROR(encode_picture(format, gradient(2, 2), {}, {.quality = 101}), usage, "1 to 100");
    EXPECT_ERROR(encode_picture(format, gradient(65536, 1)), limit, "65536 x 1");
  }
  EXPECT_ERROR(encode_picture(PictureFormat::webp, gradient(16384, 1)), limit, "16383");
  const PictureText longer{{"parameters", std::string(33'000, 'a')}};
  EXPECT_ERROR(encode_picture(PictureFormat::jpeg, gradient(2, 2), longer), limit, "65533");
  EXPECT_EQ(decode_picture(encode_picture(PictureFormat::webp, gradient(2, 2), longer)).text, longer);
}

TEST(Codecs, TheNameSaysTheFormat) {
  EXPECT_EQ(picture_format("a.PNG"), PictureFormat::png);
  EXPECT_EQ(picture_format("a.b.jpg"), PictureFormat::jpeg);
  EXPECT_EQ(picture_format("a.Jpeg"), PictureFormat::jpeg);
  EXPECT_EQ(picture_format("/x/a.webp"), PictureFormat::webp);
  for (const char* const other : {"a", "a.gif", "png", ".png"})
    EXPECT_ERROR(picture_format(other), usage, ".png, .jpg, .jpeg or .webp");
}

TEST(Codecs, FilesAreReadByContentAndWrittenByName) {
  const TemporaryFolder folder;
  write_picture(folder / "a.webp", gradient(4, 4), {{"parameters", "x"}}, {.lossless = true});
  std::filesystem::rename(folder / "a.webp", folder / "a.png");
  const PictureFile file = read_picture(folder / "a.png");
  EXPECT_EQ(file.format, PictureFormat::webp);
  EXPECT_EQ(file.picture.rgb, gradient(4, 4).rgb);
  EXPECT_EQ(file.text.at("parameters"), "x");
  EXPECT_ERROR(read_png(folder / "a.png"), format, "found WebP");
  EXPECT_ERROR(write_picture(folder / "a.gif", gradient(4, 4)), usage, ".webp");
  EXPECT_ERROR(write_picture(folder / "missing" / "a.jpg", gradient(4, 4)), io, "missing");
  EXPECT_ERROR(read_picture(folder / "none.jpg"), io, "none.jpg");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(Codecs, OtherFilesAreSaidByName) {
  using namespace std::string_view_literals;
  EXPECT_ERROR(decode_picture({}, "x"), format, "x: expected a PNG, JPEG or WebP picture, found an empty file");
  EXPECT_ERROR(decode_picture(bytes("GIF89a..."), "x"), format, "a GIF picture");
  EXPECT_ERROR(decode_picture(bytes("BM......"), "x"), format, "a BMP picture");
  EXPECT_ERROR(decode_picture(bytes("II*\0...."sv), "x"), format, "a TIFF picture");
  EXPECT_ERROR(decode_picture(bytes("\0\0\0\x20"
                                    "ftypavif"sv),
                              "x"),
               format, "AVIF");
  EXPECT_ERROR(decode_picture(bytes("\xFF\x0A.."), "x"), format, "JPEG XL");
  EXPECT_ERROR(decode_picture(bytes("RIFF....WAVE"), "x"), format, "a RIFF file that is no WebP");
  EXPECT_ERROR(decode_picture(bytes("version https://git-lfs"), "x"), format, "Git LFS pointer");
  EXPECT_ERROR(decode_picture(bytes("<html>"), "x"), format, "a web page");
  EXPECT_ERROR(decode_picture(bytes("abc"), "x"), format, "something else");
}

// A JPEG whose frame header claims this size, and a WebP that does.
TEST(Codecs, BombsAreRefusedBeforeAnythingIsAllocated) {
  std::vector<std::byte> jpeg = encode_picture(PictureFormat::jpeg, gradient(8, 8));
  constexpr std::array kFrame{std::byte{0xFF}, std::byte{0xC0}};
  const auto frame = std::search(jpeg.begin(), jpeg.end(), kFrame.begin(), kFrame.end());
  ASSERT_NE(frame, jpeg.end());
  std::fill_n(frame + 5, 4, std::byte{0xFD});
  EXPECT_ERROR(decode_picture(jpeg, "x"), limit, "65021 x 65021");

  const std::span<const std::byte> animated = files().bytes("webp_animated.file");
  std::vector<std::byte> webp(animated.begin(), animated.end());
  const std::vector<std::byte> canvas = bytes({"\xFF\x3F\0\xFF\x3F\0", 6});  // less one each
  std::ranges::copy(canvas, webp.begin() + 24);
  EXPECT_ERROR(decode_picture(webp, "x"), limit, "16384 x 16384");
  EXPECT_ERROR(decode_picture(EncodedPicture{files().bytes("webp_lossless.file"), "x", 24 * 16 - 1}), limit, "24 x 16");
}

// A grey JPEG of one block, in so many scans as are asked for: each gives another coefficient, or another bit of one,
// as zero. Its Huffman codes are one bit each.
std::vector<std::byte> jpeg_of_scans(int scans) {
  std::vector<std::byte> file;
  const auto add = [&](std::initializer_list<int> numbers) {
    for (const int number : numbers) file.push_back(static_cast<std::byte>(number));
  };
  const auto add_scan = [&](int coefficient, int approximation) {
    add({0xFF, 0xDA, 0, 8, 1, 1, 0, coefficient, coefficient, approximation, 0x7F});
  };
  const auto add_code = [&](int table) {
    add({0xFF, 0xC4, 0, 20, table, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  };
  add({0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0});
  file.insert(file.end(), 64, std::byte{1});
  add({0xFF, 0xC2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0});
  add_code(0x00);
  add_code(0x10);
  add_scan(0, 0);
  for (int scan = 1; scan < scans; ++scan) {
    const int bit = 13 - (scan - 1) / 63;  // of every coefficient, the highest first
    add_scan(1 + (scan - 1) % 63, bit == 13 ? 13 : (bit + 1) << 4 | bit);
  }
  add({0xFF, 0xD9});
  return file;
}

TEST(Codecs, AProgressivePictureMayNotHaveHundredsOfScans) {
  EXPECT_THAT(decode_picture(jpeg_of_scans(200)).picture.rgb, ::testing::Each(128));
  EXPECT_ERROR(decode_picture(jpeg_of_scans(201), "x"), format, "[jpeg] x: damaged: ");
}

// Every file, cut at many places and with many bytes changed: an error or a picture, never a crash.
class Damaged : public ::testing::TestWithParam<const char*> {};

TEST_P(Damaged, CutIsAnErrorUnlessThePictureIsComplete) {
  const std::string name = GetParam();
  const std::span<const std::byte> whole = files().bytes(name + ".file");
  const Picture intact = golden(name).picture;
  std::size_t errors = 0;
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 100) {
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    try {
      EXPECT_EQ(decode_picture(cut).picture.rgb, intact.rgb) << name << " " << size;
    } catch (const Error& e) {
      EXPECT_EQ(e.category(), ErrorCategory::format) << e.what();
      ++errors;
    }
  }
  EXPECT_GT(errors, 50u);
}

TEST_P(Damaged, ChangedBytesAreAnErrorOrAPicture) {
  const std::span<const std::byte> whole = files().bytes(std::string(GetParam()) + ".file");
  std::uint32_t random = 1;
  const auto next = [&](std::size_t below) {
    random = random * 1664525 + 1013904223;
    return static_cast<std::size_t>(random >> 8) % below;
  };
  std::size_t errors = 0, pictures = 0;
  for (int i = 0; i < 200; ++i) {
    std::vector<std::byte> damaged(whole.begin(), whole.end());
    for (std::size_t changes = 1 + next(4); changes > 0; --changes)
      damaged[next(damaged.size())] ^= static_cast<std::byte>(1u << next(8));
    try {
      const PictureFile file = decode_picture(EncodedPicture{damaged, "x", 1'000'000});
      EXPECT_EQ(file.picture.rgb.size(), static_cast<std::size_t>(file.picture.width * file.picture.height * 3));
      ++pictures;
    } catch (const Error&) {
      ++errors;
    }
  }
  EXPECT_GT(errors, 0u);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Damaged,
                         ::testing::Values("jpeg_rgb", "jpeg_progressive", "jpeg_cmyk", "jpeg_text",
                                           "jpeg_orientation_6", "webp_lossless", "webp_alpha", "webp_lossy",
                                           "webp_text", "webp_animated", "png_exif", "png_palette"),
                         [](const auto& each) { return std::string(each.param); });

TEST(ToTensor, IsTheInverseOfToPicture) {
  const Picture picture = gradient(7, 3);
  const Tensor pixels = to_tensor(picture);
  EXPECT_EQ(pixels.shape(), (Shape{1, 3, 7, 3}));
  EXPECT_EQ(pixels.floats()[0], -1.0f);
  EXPECT_EQ(to_tensor(flat(1, 1, 255)).floats()[2], 1.0f);
  EXPECT_EQ(to_picture(pixels).rgb, picture.rgb);
}

}  // namespace
}  // namespace safelight::test
