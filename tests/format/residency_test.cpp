#include "format/residency.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/available_memory.h"
#include "safelight/writer.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

constexpr std::int64_t kBytes = std::int64_t{16} << 20;

Tensor filled(std::int64_t bytes, std::byte value) {
  Tensor t = Tensor::allocate(DType::U8, {bytes});
  std::fill_n(t.mutable_data(), t.bytes(), value);
  return t;
}

bool all_are(const Tensor& t, std::byte value) {
  return std::all_of(t.data(), t.data() + t.bytes(), [&](std::byte b) { return b == value; });
}

TEST(Residency, AGroupOfTensorsLeavesMemoryAndComesBack) {
  const test::TemporaryFolder folder;
  save(folder / "f", std::vector<NamedTensor>{{"a.1", filled(kBytes, std::byte{1})},
                                              {"a.2", filled(100, std::byte{2})},
                                              {"b.1", filled(kBytes, std::byte{3})},
                                              {"b.2", filled(0, std::byte{4})}});
  const SafeTensors file = SafeTensors::open(folder / "f");
  EXPECT_EQ(bytes_below(file, "a."), static_cast<std::uint64_t>(kBytes) + 100);
  EXPECT_EQ(bytes_below(file, ""), 2 * static_cast<std::uint64_t>(kBytes) + 100);
  EXPECT_EQ(bytes_below(file, "c"), 0u);

  const Tensor a = file.tensor("a.1"), b = file.tensor("b.1");
  EXPECT_TRUE(all_are(a, std::byte{1}) && all_are(b, std::byte{3}));
  const auto megabytes = [] { return resident_memory() >> 20; };
  const std::uint64_t both = megabytes();
  release_pages(file, "b.");
  EXPECT_NEAR(static_cast<double>(both - megabytes()), 16, 2);
  EXPECT_TRUE(all_are(a, std::byte{1}));
  EXPECT_NEAR(static_cast<double>(both - megabytes()), 16, 2) << "of the other tensors nothing went";
  EXPECT_TRUE(all_are(b, std::byte{3}));
  release_pages(file);
  EXPECT_NEAR(static_cast<double>(both - megabytes()), 32, 3);
  EXPECT_TRUE(all_are(a, std::byte{1}) && all_are(b, std::byte{3}));
}

TEST(Residency, OfBytesInMemoryNothingIsReleased) {
  const test::TemporaryFolder folder;
  save(folder / "f", std::vector<NamedTensor>{{"t", filled(kBytes, std::byte{7})}});
  const std::string bytes = test::read_file(folder / "f");
  const SafeTensors file = SafeTensors::parse(std::as_bytes(std::span(bytes)));
  release_pages(file);
  EXPECT_TRUE(all_are(file.tensor("t"), std::byte{7}));
}

}  // namespace
}  // namespace safelight
