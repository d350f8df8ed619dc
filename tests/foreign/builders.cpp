#include "foreign/builders.h"

#include <gtest/gtest.h>

#include <cstring>

#include "format/foreign/inflate.h"
#include "safelight/safetensors.h"

namespace safelight::test {
namespace {

std::string header(const ZipItem& item, std::uint32_t crc, std::uint64_t size, std::string_view name) {
  return le<std::uint16_t>(20) + le(item.flags) + le(item.method) + le<std::uint32_t>(0x00210000) + le(crc) +
         le(static_cast<std::uint32_t>(item.data.size())) + le(static_cast<std::uint32_t>(size)) +
         le(static_cast<std::uint16_t>(name.size())) + le<std::uint16_t>(0);
}

}  // namespace

std::string text(std::string_view value) {
  return "X" + le(static_cast<std::uint32_t>(value.size())) + std::string(value);
}

std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}

std::string zip(const std::vector<ZipItem>& items, const ZipLies& lies) {
  std::string out = lies.before, directory;
  for (const ZipItem& item : items) {
    const auto offset = static_cast<std::uint32_t>(out.size() - lies.before.size());
    const std::uint64_t size = item.method == 0 ? item.data.size() : item.size;
    const std::uint32_t crc = foreign::crc32(as_bytes(item.data));
    const std::string local = item.local_name.empty() ? item.name : item.local_name;
    out += "PK\x03\x04" + header(item, crc + item.local_crc, size, local) + local + item.data;
    const bool last = &item == &items.back();
    directory += "PK\x01\x02" + le<std::uint16_t>(20) + header(item, crc, size, item.name) + std::string(10, '\0') +
                 le(offset + (last ? lies.offset : 0)) + item.name;
  }
  const auto begin = static_cast<std::uint32_t>(out.size() - lies.before.size());
  const auto count = static_cast<std::uint16_t>(items.size() + lies.entries);
  return out + directory + "PK\x05\x06" + le<std::uint32_t>(0) + le(count) + le(count) +
         le(static_cast<std::uint32_t>(directory.size())) + le(begin) + le<std::uint16_t>(0) + lies.after;
}

std::filesystem::path golden(std::string_view name) {
  return std::filesystem::path(SAFELIGHT_SOURCE_DIR) / "tests/data/foreign" / name;
}

void expect_same_tensors(const ImportedFile& file, const std::filesystem::path& expected) {
  const SafeTensors golden = SafeTensors::open(expected);
  EXPECT_EQ(file.tensors.size(), golden.tensors().size());
  for (const PendingTensor& pending : file.tensors) {
    const TensorInfo* info = golden.find(pending.name);
    ASSERT_NE(info, nullptr) << pending.name;
    const Tensor wanted = golden.tensor(*info), found = pending.make();
    EXPECT_EQ(name(pending.dtype), name(wanted.dtype())) << pending.name;
    EXPECT_EQ(name(found.dtype()), name(wanted.dtype())) << pending.name;
    EXPECT_EQ(pending.shape, wanted.shape()) << pending.name;
    ASSERT_EQ(found.shape(), wanted.shape()) << pending.name;
    EXPECT_EQ(std::memcmp(found.data(), wanted.data(), wanted.bytes()), 0) << pending.name;
  }
}

}  // namespace safelight::test
