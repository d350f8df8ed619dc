// GGUF files. The goldens are those of the format's own Python package (tests/golden/gguf_files.py).
#include "format/foreign/gguf.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "foreign/builders.h"
#include "format/foreign/readers.h"
#include "safelight/cast.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// Exactly the package's floats. BF16 stays what it is here; there it was widened.
TEST(Gguf, EveryType) {
  const ImportedFile file = import_file(golden("gguf_types.gguf"));
  EXPECT_EQ(file.format, FileFormat::gguf);
  const SafeTensors expected = SafeTensors::open(golden("gguf_types.safetensors"));
  ASSERT_EQ(file.tensors.size(), expected.tensors().size());
  for (const PendingTensor& pending : file.tensors) {
    SCOPED_TRACE(pending.name);
    const Tensor wanted = expected.tensor(pending.name);
    Tensor found = pending.make();
    EXPECT_EQ(name(pending.dtype), name(found.dtype()));
    if (pending.name == "plain.BF16") {
      EXPECT_EQ(name(found.dtype()), "BF16");
      found = to_f32(found);
    }
    EXPECT_EQ(name(found.dtype()), name(wanted.dtype()));
    ASSERT_EQ(found.shape(), wanted.shape());
    EXPECT_EQ(std::memcmp(found.data(), wanted.data(), wanted.bytes()), 0);
  }
}

TEST(Gguf, DequantisedToHalf) {
  const ImportedFile file = import_file(golden("gguf_types.gguf"), {.dequantised = DType::F16});
  const SafeTensors expected = SafeTensors::open(golden("gguf_types.safetensors"));
  for (const PendingTensor& pending : file.tensors) {
    if (!pending.name.starts_with("blocks.")) continue;
    const Tensor wanted = cast(expected.tensor(pending.name), DType::F16), found = pending.make();
    ASSERT_EQ(found.dtype(), DType::F16);
    EXPECT_EQ(std::memcmp(found.data(), wanted.data(), wanted.bytes()), 0) << pending.name;
  }
  EXPECT_ERROR(import_file(golden("gguf_types.gguf"), {.dequantised = DType::F64}), usage, "F32 or F16");
}

TEST(Gguf, MetadataByTheConvention) {
  const ImportedFile file = import_file(golden("gguf_types.gguf"));
  EXPECT_THAT(file.metadata, Contains(Pair("general.name", "a model")));
  EXPECT_THAT(file.metadata, Contains(Pair("gguf:u32:test.count", "4096")));
  EXPECT_THAT(file.metadata, Contains(Pair("gguf:f32:test.epsilon", "1e-05")));
  EXPECT_THAT(file.metadata, Contains(Pair("gguf:bool:test.flag", "true")));
  EXPECT_THAT(file.metadata, Contains(Pair("gguf:i64:test.offset", "-3")));
  EXPECT_THAT(file.notes, Contains(HasSubstr("1 lists")));
}

TEST(Gguf, MetadataBothWays) {
  const Metadata metadata{{"a", "text"},          {"gguf:u8:b", "255"},
                          {"gguf:f64:c", "0.1"},  {"gguf:bool:d", "false"},
                          {"gguf:string:e", "x"}, {"gguf:odd", "a text after all"}};
  const foreign::GgufMetadataBytes bytes = foreign::gguf_metadata(metadata);
  EXPECT_EQ(bytes.count, 6u);
  const std::string file = "GGUF" + le(3u) + le<std::uint64_t>(0) + le(bytes.count) + bytes.bytes;
  Metadata back = foreign::parse_gguf(as_bytes(file)).metadata;
  EXPECT_EQ(back["e"], "x");
  back.erase("e");
  Metadata rest = metadata;
  rest.erase("gguf:string:e");
  EXPECT_EQ(back, rest);
  EXPECT_ERROR(foreign::gguf_metadata({{"gguf:u8:b", "256"}}), usage, "should be of the type u8");
  EXPECT_ERROR(foreign::gguf_metadata({{"gguf:array:b", "[]"}}), usage, "array");
  EXPECT_ERROR(foreign::gguf_metadata({{"gguf:bool:b", "yes"}}), usage, "bool");
}

TEST(Gguf, QuantisesAsTheReferenceDoes) {
  const SafeTensors file = SafeTensors::open(golden("gguf_q8_0.safetensors"));
  const Tensor values = to_f32(file.tensor("values")), wanted = file.tensor("blocks");
  std::vector<std::byte> found(wanted.bytes());
  ASSERT_TRUE(foreign::quantise_q8_0(values.floats(), found));
  EXPECT_EQ(std::memcmp(found.data(), wanted.data(), wanted.bytes()), 0);
}

TEST(Gguf, WhatQ8_0CannotHold) {
  std::vector<std::byte> out(34);
  for (const float bad : {NAN, INFINITY, -INFINITY, 9e6f}) {
    std::vector<float> values(32, 1.0f);
    values[7] = bad;
    EXPECT_FALSE(foreign::quantise_q8_0(values, out));
  }
  for (const float tiny : {1e-40f, 1e-38f, 0.0f})
    EXPECT_TRUE(foreign::quantise_q8_0(std::vector<float>(32, tiny), out));
}

std::string gguf_text(std::string_view text) { return le<std::uint64_t>(text.size()) + std::string(text); }

std::string tensor_info(std::string_view name, const std::vector<std::uint64_t>& sizes, std::uint32_t type,
                        std::uint64_t offset) {
  std::string out = gguf_text(name) + le(static_cast<std::uint32_t>(sizes.size()));
  for (const std::uint64_t size : sizes) out += le(size);
  return out + le(type) + le(offset);
}

std::string gguf(std::uint64_t tensors, std::uint64_t metadata, const std::string& body, std::size_t data = 0,
                 std::uint32_t version = 3) {
  std::string out = "GGUF" + le(version) + le(tensors) + le(metadata) + body;
  out.resize((out.size() + 31) / 32 * 32, '\0');
  return out + std::string(data, '\1');
}

foreign::GgufFile parse(const std::string& bytes) { return foreign::parse_gguf(as_bytes(bytes)); }

TEST(Gguf, DimensionsAreReversed) {
  const std::string bytes = gguf(1, 0, tensor_info("t", {4, 3}, 0, 0), 48);
  EXPECT_THAT(parse(bytes).tensors.at(0).shape, ElementsAre(3, 4));
  EXPECT_EQ(parse(gguf(1, 0, tensor_info("t", {4, 3}, 0, 0), 48, 2)).version, 2u);
}

TEST(Gguf, FilesThatLie) {
  const auto one = [](const std::string& info, std::size_t data = 64) { return gguf(1, 0, info, data); };
  EXPECT_ERROR(parse(gguf(0, 0, "", 0, 1)), format, "version 1");
  EXPECT_ERROR(parse(gguf(0, 0, "", 0, 4)), format, "version 4");
  EXPECT_ERROR(parse(gguf(0, 0, "", 0, 0x03000000)), format, "big-endian");
  EXPECT_ERROR(parse(gguf(UINT64_MAX, 0, "")), format, "more than its");
  EXPECT_ERROR(parse(gguf(0, UINT64_MAX, "")), format, "more than its");
  EXPECT_ERROR(parse(one(tensor_info("t", {65}, 24, 0))), format, "claims 65 bytes");
  EXPECT_ERROR(parse(one(tensor_info("t", {1}, 24, 1))), format, "no multiple of 32");
  EXPECT_ERROR(parse(one(tensor_info("t", {1}, 24, UINT64_MAX - 31))), format, "claims 1 bytes");
  EXPECT_ERROR(parse(one(tensor_info("t", {UINT64_MAX}, 24, 0))), format, "a dimension of");
  EXPECT_ERROR(parse(one(tensor_info("t", {1ull << 40, 1ull << 40}, 24, 0))), format, "too large");
  EXPECT_ERROR(parse(one(tensor_info("t", {1, 1, 1, 1, 1}, 24, 0))), format, "5 dimensions");
  EXPECT_ERROR(parse(one(tensor_info("t", {33}, 8, 0))), format, "blocks of 32");
  EXPECT_ERROR(parse(one(tensor_info("t", {256}, 10, 0))), format, "Q2_K, which is not read");
  EXPECT_ERROR(parse(one(tensor_info("t", {256}, 99, 0))), format, "unknown type 99");
  EXPECT_ERROR(parse(one(tensor_info("\xFF", {1}, 24, 0))), format, "not UTF-8");
  EXPECT_ERROR(parse(gguf(2, 0, tensor_info("t", {1}, 24, 0) + tensor_info("t", {1}, 24, 32), 64)), format,
               "are named");
  EXPECT_ERROR(parse(gguf(2, 0, tensor_info("t", {33}, 24, 0) + tensor_info("u", {1}, 24, 32), 64)), format, "overlap");
  EXPECT_TRUE(parse(one(tensor_info("t", {0, 5}, 0, 0), 0)).tensors.at(0).bytes.empty());
}

TEST(Gguf, MetadataThatLie) {
  const auto with = [](const std::string& entry, std::uint64_t count = 1) { return gguf(0, count, entry); };
  const std::string key = gguf_text("k");
  EXPECT_ERROR(parse(with(key + le(13u))), format, "unknown type 13");
  EXPECT_ERROR(parse(with(key + le(8u) + le(UINT64_MAX))), format, "are left");
  EXPECT_ERROR(parse(with(key + le(9u) + le(4u) + le(UINT64_MAX))), format, "reaches past the end");
  EXPECT_ERROR(parse(with(key + le(9u) + le(8u) + le(UINT64_MAX))), format, "");
  std::string nested = key + le(9u);
  for (int i = 0; i < 100; ++i) nested += le(9u) + le<std::uint64_t>(1);
  EXPECT_ERROR(parse(with(nested)), format, "lists inside lists");
  EXPECT_ERROR(parse(with(key + le(4u) + le(1u) + key + le(4u) + le(2u), 2)), format, "occurs twice");
  EXPECT_ERROR(parse(with(gguf_text("general.alignment") + le(4u) + le(0u))), format, "power of two");
  EXPECT_ERROR(parse(with(gguf_text("general.alignment") + le(8u) + gguf_text("32"))), format, "expected u32");
  EXPECT_EQ(
      parse(with(key + le(9u) + le(9u) + le<std::uint64_t>(1) + le(0u) + le<std::uint64_t>(2) + "ab")).not_kept.size(),
      1u);
}

TEST(Gguf, TruncatedAnywhere) {
  const std::string whole = read_file(golden("gguf_types.gguf"));
  for (std::size_t bytes = 0; bytes < whole.size() - 64; bytes += 61)
    EXPECT_ERROR(parse(whole.substr(0, bytes)), format, "[gguf]");
}

TEST(Gguf, KeysThatCannotBeWritten) {
  EXPECT_ERROR(foreign::gguf_metadata({{"a", "x"}, {"gguf:u32:a", "1"}}), usage,
               "two metadata would have the key \"a\"");
  EXPECT_ERROR(foreign::gguf_metadata({{std::string(65'536, 'k'), "x"}}), usage, "has 65536 bytes");
  EXPECT_EQ(foreign::gguf_metadata({{"a", "x"}, {"gguf:u32:b", "1"}}).count, 2u);
}

}  // namespace
}  // namespace safelight::test
