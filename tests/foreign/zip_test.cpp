#include <gmock/gmock.h>
#include <zlib.h>

#include "foreign/builders.h"
#include "format/foreign/byte_cursor.h"
#include "format/foreign/inflate.h"
#include "format/foreign/zip_archive.h"
#include "format/foreign/zip_writer.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

using foreign::ZipArchive;

void open(const std::string& bytes, const foreign::ZipLimits& limits = {}) {
  ZipArchive::open(as_bytes(bytes), nullptr, limits);
}

std::string deflated(const std::string& data) {
  std::string out(compressBound(data.size()) + 16, '\0');
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(Zip, StoredEntriesAreBorrowed) {
  const std::string bytes = zip({{"a", "first"}, {"folder/b", "second"}});
  const ZipArchive archive = ZipArchive::open(as_bytes(bytes));
  ASSERT_EQ(archive.entries().size(), 2u);
  const auto* entry = archive.find("folder/b");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(foreign::as_text(archive.read(*entry).span), "second");
  EXPECT_EQ(reinterpret_cast<const char*>(archive.read(*entry).span.data()), bytes.data() + bytes.find("second"));
  EXPECT_EQ(archive.find("b"), nullptr);
}

TEST(Zip, StructuresThatLie) {
  open(zip({}));
  EXPECT_ERROR(open(""), format, "end record");
  EXPECT_ERROR(open(zip({{"a", "x"}}, {.after = "y"})), format, "something follows");
  EXPECT_ERROR(open(zip({{"a", "x"}}, {.before = "y"})), format, "end record begins");
  EXPECT_ERROR(open(zip({{"a", "x"}}, {.entries = 1})), format, "");
  EXPECT_ERROR(open(zip({{"a", "x"}}, {.entries = 5000})), format, "cannot hold");
  EXPECT_ERROR(open(zip({{"a", "x"}}, {.offset = 1})), format, "expected the header");
  EXPECT_ERROR(open(zip({{"a", "x"}}, {.offset = 1'000'000})), format, "outside the file");
  EXPECT_ERROR(open(zip({{"a", "x"}, {"a", "y"}})), format, "two entries are named");
  EXPECT_ERROR(open(zip({{.name = "a", .data = "x", .local_name = "b"}})), format, "named \"b\" there and \"a\"");
  EXPECT_ERROR(open(zip({{.name = "a", .data = "x", .local_crc = 1}})), format, "disagree on its size or checksum");
  EXPECT_ERROR(open(zip({{.name = "a", .data = "x", .flags = 1}})), format, "encrypted");
  EXPECT_ERROR(open(zip({{.name = "a", .data = "x", .method = 12, .size = 1}})), format, "method 12");
  EXPECT_ERROR(open(zip({{std::string("a\0b", 3), "x"}})), format, "NUL");
  EXPECT_ERROR(open(zip({{"aa", "x"}}), {.name_bytes = 1}), limit, "more than 1");
  EXPECT_ERROR(open(zip({{"a", "x"}, {"b", "x"}}), {.entries = 1}), limit, "2 entries, more than 1");
  const std::string whole = zip({{"a", "x"}, {"b", "yy"}});
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
    EXPECT_ERROR(open(whole.substr(0, bytes)), format, "[zip]");
}

// Other readers take the last signature: one in the comment is the end record to them.
TEST(Zip, AnEndRecordInTheComment) {
  const auto commented = [](const std::string& comment) {
    std::string outer = zip({{"a", "x"}});
    outer.replace(outer.size() - 2, 2, le(static_cast<std::uint16_t>(comment.size())));
    return outer + comment;
  };
  open(commented("a comment"));
  EXPECT_ERROR(open(commented(zip({{"b", "y"}}) + "z")), format, "something follows");
}

// The second entry's header stands where the first one's data are: two readers could see two different files.
TEST(Zip, EntriesThatOverlap) {
  const std::string inner = zip({{"b", "data"}});
  const std::string local = inner.substr(0, inner.find("PK\x01\x02"));
  std::string bytes = zip({{"a", local}, {"b", "data"}});
  // let the central header of "b" point into the data of "a"
  const std::size_t directory = bytes.rfind("PK\x01\x02");
  const std::uint32_t inside = static_cast<std::uint32_t>(bytes.find(local, 4));
  bytes.replace(directory + 42, 4, le(inside));
  EXPECT_ERROR(open(bytes), format, "overlap");
}

TEST(Zip, CompressedEntries) {
  const std::string data = "some text, some text, some text", packed = deflated(data);
  std::string bytes = zip({{.name = "a", .data = packed, .method = 8, .size = data.size()}});
  // the checksum is that of the uncompressed bytes
  const std::string wrong = le(foreign::crc32(as_bytes(packed))), right = le(foreign::crc32(as_bytes(data)));
  const auto archive = [&] { return ZipArchive::open(as_bytes(bytes)); };
  EXPECT_ERROR(archive().read(archive().entries()[0]), format, "checksum");
  for (std::size_t at; (at = bytes.find(wrong)) != std::string::npos;) bytes.replace(at, 4, right);
  EXPECT_EQ(foreign::as_text(archive().read(archive().entries()[0]).span), data);

  for (const std::uint64_t size : {data.size() - 1, data.size() + 1}) {
    const std::string lie = zip({{.name = "a", .data = packed, .method = 8, .size = size}});
    const ZipArchive opened = ZipArchive::open(as_bytes(lie));
    EXPECT_ERROR(opened.read(opened.entries()[0]), format, "compressed bytes to give");
  }
  // of the first bytes, no more is asked than that they are there
  const ZipArchive whole = archive();
  EXPECT_EQ(foreign::as_text(whole.read_first(whole.entries()[0], 9).span), "some text");
  EXPECT_EQ(foreign::as_text(whole.read_first(whole.entries()[0], 1000).span), data);
  const std::string garbage = zip({{.name = "a", .data = "\xFF\xFF\xFF\xFF", .method = 8, .size = 10}});
  const ZipArchive opened = ZipArchive::open(as_bytes(garbage));
  EXPECT_ERROR(opened.read(opened.entries()[0]), format, "compressed bytes to give");
  EXPECT_ERROR(opened.read_first(opened.entries()[0], 5), format, "the first 5 bytes");
}

TEST(Zip, Bombs) {
  const std::string packed = deflated(std::string(100'000, '\0'));
  const auto bomb = [&](std::uint64_t size) { return zip({{.name = "a", .data = packed, .method = 8, .size = size}}); };
  open(bomb(100'000));
  EXPECT_ERROR(open(bomb(4'000'000'000)), format, "which deflate cannot");
  EXPECT_ERROR(open(bomb(100'000), {.free_bytes = 1000}), limit, "decompression bomb");
  EXPECT_ERROR(open(bomb(100'000), {.inflated_bytes = 99'999}), limit, "more than 99999 bytes");
}

TEST(ZipWriter, WhatItWritesIsReadAgain) {
  const TemporaryFolder folder;
  AtomicFile file(folder / "x.zip");
  foreign::ZipWriter writer(file);
  writer.add("one", "head", as_bytes(" and body"));
  writer.add("two", "", {});
  writer.finish();
  file.commit();
  const std::string bytes = read_file(folder / "x.zip");
  const ZipArchive archive = ZipArchive::open(as_bytes(bytes));
  EXPECT_EQ(foreign::as_text(archive.read(*archive.find("one")).span), "head and body");
  EXPECT_EQ(archive.find("one")->crc, foreign::crc32(as_bytes("head and body")));
  EXPECT_EQ(archive.find("two")->size, 0u);
}

}  // namespace
}  // namespace safelight::test
