#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "safelight/safetensors.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::TemporaryFolder;

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + data;
}

SafeTensors parse(const std::string& bytes, Mode mode = Mode::strict) {
  return SafeTensors::parse(std::as_bytes(std::span(bytes)), mode);
}

const std::string kThree =
    R"({"c":{"dtype":"U8","shape":[3],"data_offsets":[5,8]},"__metadata__":{"k":"v"},)"
    R"("a":{"dtype":"I8","shape":[],"data_offsets":[0,1]},"b":{"dtype":"F16","shape":[1,2],"data_offsets":[1,5]}})";

TEST(Reader, GivesTensorsByOffsetAndByName) {
  const std::string bytes = file_of(kThree, "abcdefgh");
  const SafeTensors file = parse(bytes);
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensors()[0].name, "a");
  EXPECT_EQ(file.tensors()[1].name, "b");
  EXPECT_EQ(file.tensors()[2].name, "c");
  EXPECT_EQ(file.find("b"), &file.tensors()[1]);
  EXPECT_EQ(file.find("B"), nullptr);
  EXPECT_EQ(file.metadata(), (Metadata{{"k", "v"}}));
  EXPECT_EQ(file.header_bytes(), kThree.size());
  EXPECT_EQ(file.file_bytes(), bytes.size());
  EXPECT_TRUE(file.path().empty());
}

TEST(Reader, BorrowsTheBytes) {
  const std::string bytes = file_of(kThree, "abcdefgh");
  const SafeTensors file = parse(bytes);
  const Tensor b = file.tensor("b");
  EXPECT_EQ(b.dtype(), DType::F16);
  EXPECT_EQ(b.shape(), (Shape{1, 2}));
  EXPECT_EQ(static_cast<const void*>(b.data()), bytes.data() + bytes.size() - 7);
  EXPECT_EQ(file.tensor("a").shape(), Shape{});
  EXPECT_EQ(file.tensor(file.tensors()[2]).bytes(), 3u);
}

TEST(Reader, TensorsKeepTheMappingAlive) {
  const TemporaryFolder folder;
  test::write_file(folder / "f", file_of(kThree, "abcdefgh"));
  const Tensor c = SafeTensors::open(folder / "f").tensor("c");
  std::filesystem::remove(folder / "f");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(c.data()), 3), "fgh");
}

TEST(Reader, OwnerOfParsedBytesIsKept) {
  auto bytes = std::make_shared<std::string>(file_of(kThree, "abcdefgh"));
  const std::weak_ptr<std::string> watch = bytes;
  {
    const auto span = std::as_bytes(std::span(*bytes));
    const Tensor t = SafeTensors::parse(span, Mode::strict, std::move(bytes)).tensor("a");
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Reader, MissingTensor) {
  const std::string bytes = file_of(kThree, "abcdefgh");
  EXPECT_ERROR(parse(bytes).tensor("d\n"), model, "no tensor \"d\\n\"");
}

TEST(Reader, TensorOfAnotherFile) {
  const std::string bytes = file_of(kThree, "abcdefgh");
  const SafeTensors file = parse(bytes);
  EXPECT_ERROR(file.tensor({.name = "x", .shape = {9}, .begin = 0, .end = 9}), usage, "\"x\" is of another file");
  EXPECT_ERROR(file.tensor({.name = "x", .shape = {1}, .begin = 2, .end = 1}), usage, "is of another file");
}

// Sizes beyond int64 can only stand beside a zero.
TEST(Reader, DimensionBeyondInt64) {
  const std::string bytes = file_of(R"({"t":{"dtype":"U8","shape":[0,9223372036854775808],"data_offsets":[0,0]}})", "");
  EXPECT_EQ(parse(bytes).tensors()[0].shape[1], std::uint64_t{1} << 63);
  EXPECT_ERROR(parse(bytes).tensor("t"), limit, "\"t\"");
}

TEST(Reader, LastOfRepeatedNamesCountsInCompatMode) {
  const std::string header =
      R"({"t":{"dtype":"U8","shape":[9],"data_offsets":[0,9]},"t":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}})";
  const std::string bytes = file_of(header, "ab");
  const SafeTensors file = parse(bytes, Mode::compat);
  ASSERT_EQ(file.tensors().size(), 1u);
  EXPECT_EQ(file.tensor("t").dtype(), DType::I8);
}

TEST(Reader, SaysWhatItIsInstead) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "empty file"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"},
      {std::string("PK\x03\x04\x14\0\0\x08\x08\0", 10), "PyTorch"},
      {"\x80\x02}q\x01(X\x06\x01\x01", "pickle"},
      {"<!DOCTYPE html><html>", "web page"},
      {"\n <HTML><head>", "web page"},
      {std::string("GGUF\3\0\0\0\1\1\1\1", 12), "GGUF"},
      {"\x1F\x8B\x08\x08long enough", "gzip"},
      {"{\"a\": {\"dtype\"", "JSON"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 2132625612\n", "(2.13 GB) was not downloaded"},
      {R"({"metadata": {"total_size": 1}, "weight_map": {}})", "the index of a model"},
      {std::string("\0\0\0\0\0\0\0\x02{}", 10), "big-endian"},
  };
  for (const auto& [bytes, what] : files) EXPECT_ERROR(parse(bytes), format, what);
}

TEST(Reader, DetailsNameTheTensorAndThePlace) {
  const auto header = [](const std::string& text) { return file_of(text, ""); };
  EXPECT_ERROR(parse(header(R"({"w":{"dtype":"F99","shape":[],"data_offsets":[0,0]}})")), format,
               "dtype \"F99\" of tensor \"w\" at byte 22");
  EXPECT_ERROR(
      parse(header(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})")), format,
      "tensor \"w\" has data_offsets [3, 4], expected a range that begins at 0: 3 bytes before it belong to no "
      "tensor");
  EXPECT_ERROR(parse(header(R"({"w":{"dtype":"U8","shape":[3000],"data_offsets":[0,3000]}})")), format,
               "tensor \"w\" claims bytes up to 3,000 bytes (3.00 KB) of the data, but the file ends at 0 bytes");
  EXPECT_ERROR(parse(header("{\"a\n\":1}")), format, "byte 11");
  EXPECT_ERROR(parse(header("{\"a\":\"")), format, "byte 13");
  EXPECT_ERROR(parse(header("{\"a\xFF\":1}")), format, "byte 11");
}

TEST(Check, UnreadableFilesAreInvalid) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const auto& path : {folder / "none", folder.path(), folder / "pipe"}) {
    const Verdict verdict = check(path);
    EXPECT_FALSE(verdict.valid);
    EXPECT_EQ(verdict.rule, "io");
    EXPECT_THAT(verdict.detail, testing::HasSubstr(path.native()));
  }
}

// --- limits ---------------------------------------------------------------------------------------------------------

SafeTensors parse_within(const std::string& bytes, const Limits& limits) {
  return SafeTensors::parse(std::as_bytes(std::span(bytes)), {.limits = limits});
}

// The largest allowed value passes, one less does not.
TEST(Limits, EachIsCheckedExactly) {
  const std::string bytes = file_of(kThree, "abcdefgh");
  const std::uint64_t n = kThree.size();
  EXPECT_EQ(parse_within(bytes, {.header_bytes = n, .tensors = 3, .rank = 2, .name_bytes = 1, .data_bytes = 8})
                .tensors()
                .size(),
            3u);
  EXPECT_ERROR(parse_within(bytes, {.header_bytes = n - 1}), limit,
               fmt::format("the header has {} bytes, more than the {} allowed", n, n - 1));
  EXPECT_ERROR(parse_within(bytes, {.tensors = 2}), limit, "the header has 3 tensors, more than the 2 allowed");
  EXPECT_ERROR(parse_within(bytes, {.rank = 1}), limit, "a tensor's shape has 2 dimensions");
  EXPECT_ERROR(parse_within(bytes, {.name_bytes = 0}), limit, "a tensor's name has 1 bytes");
  EXPECT_ERROR(parse_within(bytes, {.data_bytes = 7}), limit, "what follows the header has 8 bytes");
}

TEST(Limits, OfMemoryCountsWhateverTheHeaderIsFullOf) {
  std::string shape = "1", keys, metadata;
  for (int i = 0; i < 1000; ++i) {
    shape += ",1";
    keys += fmt::format(",\"x{}\":0", i);
    metadata += fmt::format("{}\"k{}\":\"\"", i ? "," : "", i);
  }
  const auto tensor = [](const std::string& dimensions, const std::string& more) {
    return file_of(R"({"t":{"dtype":"U8","shape":[)" + dimensions + R"(],"data_offsets":[0,1])" + more + "}}", "a");
  };
  // Each of these would pass by its length alone.
  for (const std::string& bytes : {tensor(shape, ""), tensor("1", keys), tensor("1", ",\"x\":{\"a\":0" + keys + "}"),
                                   file_of("{\"__metadata__\":{" + metadata + "}}", "")}) {
    EXPECT_ERROR(parse_within(bytes, {.memory_bytes = 8 * bytes.size() + 10'000}), limit, "bytes of memory");
    parse_within(bytes, {.memory_bytes = 30 * bytes.size() + 10'000});
  }
}

TEST(Limits, CheckAndOpenTellThem) {
  const TemporaryFolder folder;
  test::write_file(folder / "f", file_of(kThree, "abcdefgh"));
  const OpenOptions options{.limits = {.tensors = 2}};
  EXPECT_EQ(check(folder / "f", options).rule, "limit");
  EXPECT_EQ(check(folder / "f").rule, "ok");
  EXPECT_ERROR(SafeTensors::open(folder / "f", options), limit, (folder / "f").native());
}

// --- bytes ----------------------------------------------------------------------------------------------------------

TEST(Reader, ReadsAnyRangeOfTheFile) {
  const TemporaryFolder folder;
  const std::string bytes = file_of(kThree, "abcdefgh");
  test::write_file(folder / "f", bytes);
  const SafeTensors file = SafeTensors::open(folder / "f"), memory = parse(bytes);
  EXPECT_GE(file.descriptor(), 0);
  EXPECT_EQ(memory.descriptor(), -1);
  for (const SafeTensors& one : {file, memory}) {
    std::string c(3, ' '), beyond(2, ' '), none;
    one.read(one.offset(*one.find("c")), std::as_writable_bytes(std::span(c)));
    EXPECT_EQ(c, "fgh");
    one.read(bytes.size(), std::as_writable_bytes(std::span(none)));
    EXPECT_ERROR(one.read(bytes.size() - 1, std::as_writable_bytes(std::span(beyond))), io,
                 fmt::format("offset {}", one.descriptor() < 0 ? bytes.size() - 1 : bytes.size()));
  }
}

// 500,000 tensors open in about a second; anything quadratic would take hours.
TEST(Reader, ManyTensors) {
  std::string header = "{";
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i)
    header += fmt::format(R"({}"layers.{}.weight":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}})", i ? "," : "",
                          i, kCount - 1 - i, kCount - i);
  const std::string bytes = file_of(header + "}", std::string(kCount, '\1'));
  const SafeTensors file = parse(bytes);
  EXPECT_EQ(file.tensors().size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ(file.tensors().front().name, fmt::format("layers.{}.weight", kCount - 1));
  for (int i = 0; i < kCount; i += 997) EXPECT_NE(file.find(fmt::format("layers.{}.weight", i)), nullptr);
}

}  // namespace
}  // namespace safelight
