// safelight cat, run as a user runs it, against NumPy's text (tests/golden/printed_arrays.py).
#include <gmock/gmock.h>
#include <simdjson.h>

#include <cstring>
#include <thread>

#include "apps/cli/array_text.h"
#include "cli/program.h"
#include "safelight/safetensors.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kPrinted = SAFELIGHT_SOURCE_DIR "/tests/data/cli/printed.safetensors";

TEST(ArrayText, IsNumpys) {
  const SafeTensors file = SafeTensors::open(kPrinted);
  ASSERT_GT(file.metadata().size(), 100u);
  for (const auto& [key, text] : file.metadata()) {
    const std::size_t at = key.find('@');
    const int precision = at == std::string::npos ? 8 : std::stoi(key.substr(at + 1));
    EXPECT_EQ(cli::array_text(file.tensor(key.substr(0, at)), {.precision = precision}), text) << key;
  }
}

Tensor of_bytes(DType dtype, Shape shape, std::vector<int> bytes) {
  Tensor t = Tensor::allocate(dtype, std::move(shape));
  EXPECT_EQ(t.bytes(), bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) t.mutable_data()[i] = static_cast<std::byte>(bytes[i]);
  return t;
}

// Types that NumPy lacks: as few digits as tell a value from its neighbours; exact, if they have 8 bits.
TEST(ArrayText, SmallFloats) {
  EXPECT_EQ(cli::array_text(of_bytes(DType::BF16, {3}, {0xCD, 0x3D, 0x80, 0x3F, 0x49, 0x40})), "[0.1  1.   3.14]");
  EXPECT_EQ(cli::array_text(of_bytes(DType::F8_E4M3, {4}, {0x38, 0x39, 0xB8, 0x7F})), "[ 1.     1.125 -1.       nan]");
  EXPECT_EQ(cli::array_text(of_bytes(DType::F8_E5M2, {3}, {0x3C, 0x7C, 0xFC})), "[  1.  inf -inf]");
}

TEST(JsonValue, IsANumberOrAWord) {
  const float values[] = {0.1f, -0.0f, 1e30f, 1.0f, 123456.0f, 1e-7f};
  const Tensor t = Tensor::from(values, {6});
  const char* const texts[] = {"0.1", "-0.0", "1.0e30", "1.0", "123456.0", "1.0e-7"};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(cli::json_value(t, i), texts[i]);
  EXPECT_EQ(cli::json_value(of_bytes(DType::F16, {2}, {0x00, 0x7E, 0x00, 0xFC}), 0), "\"NaN\"");
  EXPECT_EQ(cli::json_value(of_bytes(DType::F16, {2}, {0x00, 0x7E, 0x00, 0xFC}), 1), "\"-Infinity\"");
  EXPECT_EQ(cli::json_value(of_bytes(DType::BOOL, {1}, {2}), 0), "true");
  EXPECT_EQ(cli::json_value(of_bytes(DType::C64, {1}, {0, 0, 0x80, 0x3F, 0, 0, 0, 0}), 0), "[1.0,0.0]");
}

class CatCommand : public ::testing::Test {
 protected:
  CatCommand() {
    std::vector<float> values(2000);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    save(file_, std::vector<NamedTensor>{{"w", Tensor::from(values, {40, 50})},
                                         {"odd[0]", Tensor::from({values.data(), 2}, {2})}});
  }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "model.safetensors";
};

TEST_F(CatCommand, PrintsTensorsAndParts) {
  EXPECT_EQ(run({"cat", file_, "w[:2, :3]"}).out, "[[ 0.  1.  2.]\n [50. 51. 52.]]\n");
  EXPECT_EQ(run({"cat", file_, "w[-1, -1]"}).out, "1999.\n");
  EXPECT_EQ(run({"cat", file_, "w", "--head", "4"}).out, "[0. 1. 2. 3.]\n");
  EXPECT_EQ(run({"cat", file_, "odd[0]"}).out, "[0. 1.]\n") << "a name may look like an index";
  EXPECT_THAT(run({"cat", file_, "w"}).out, HasSubstr("..."));
  const std::string all = run({"cat", file_, "w", "--all"}).out;
  EXPECT_EQ(all.find("..."), std::string::npos);
  EXPECT_THAT(all, HasSubstr("1.999e+03]]"));
  EXPECT_EQ(run({"cat", file_, "w[3:1]"}).out, "[]\n");
}

TEST_F(CatCommand, RawBytesAreThoseOfTheFile) {
  const Result whole = run({"cat", file_, "w", "--raw"});
  const Tensor w = SafeTensors::open(file_).tensor("w");
  EXPECT_EQ(whole.out, std::string(reinterpret_cast<const char*>(w.data()), w.bytes()));
  EXPECT_EQ(run({"cat", file_, "w", "--raw", "--head", "10"}).out, whole.out.substr(0, 40));
}

TEST_F(CatCommand, Json) {
  const Result result = run({"cat", "--json", file_, "w[1:3, ::25]"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(result.out);
  EXPECT_EQ(std::string_view(root["name"]), "w");
  EXPECT_EQ(std::string_view(root["dtype"]), "F32");
  EXPECT_EQ(std::uint64_t(root["shape"].at(1)), 2u);
  EXPECT_EQ(double(root["values"].at(1).at(1)), 125.0);
}

TEST_F(CatCommand, Errors) {
  EXPECT_EQ(run({"cat", file_, "none"}).exit_code, 5);
  EXPECT_EQ(run({"cat", file_, "w[0:0:0]"}).exit_code, 2);
  EXPECT_EQ(run({"cat", file_, "w[1,2,3]"}).exit_code, 2);
  EXPECT_EQ(run({"cat", file_, "w[a]"}).exit_code, 2);
  EXPECT_EQ(run({"cat", file_, "w", "--head", "-1"}).exit_code, 2);
  EXPECT_EQ(run({"cat", folder_ / "none", "w"}).exit_code, 3);
  EXPECT_THAT(run({"cat", "--help"}).out, HasSubstr("Example: safelight cat"));
}

// Whether any process has the file open.
bool is_open(const std::filesystem::path& path) {
  std::error_code gone;
  for (const auto& process : std::filesystem::directory_iterator("/proc", gone))
    for (std::filesystem::directory_iterator fd(process.path() / "fd", gone), end; !gone && fd != end;
         fd.increment(gone))
      if (std::filesystem::read_symlink(fd->path(), gone) == path) return true;
  return false;
}

// Neither SIGBUS nor zeros that pass for values.
TEST_F(CatCommand, AFileThatIsShortenedMeanwhileIsAnError) {
  const std::filesystem::path large = folder_ / "large.safetensors";
  save(large, std::vector<NamedTensor>{{"w", Tensor::allocate(DType::U8, {12'000'000})}});
  bool truncated = false;
  const auto truncate_once_open = [&] {
    if (!truncated && is_open(std::filesystem::canonical(large))) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it has read the header, and prints for long
      std::filesystem::resize_file(large, 4096);
      truncated = true;
    }
    return false;
  };
  const Result result = run({"cat", large, "w", "--json"}, {.interrupt_when = truncate_once_open});
  ASSERT_TRUE(truncated);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, StartsWith("safelight: [file] " + large.native() + " lost its bytes from offset "));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

}  // namespace
}  // namespace safelight::test
