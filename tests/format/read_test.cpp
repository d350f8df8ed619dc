// Whole tensors, by every strategy.
#include "safelight/read.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "core/file_descriptor.h"
#include "core/io_ring.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::TemporaryFolder;

const std::vector<ReadStrategy> kStrategies = {ReadStrategy::automatic, ReadStrategy::map, ReadStrategy::parallel,
                                               ReadStrategy::direct};

// Sizes around those of blocks, pages and vectors, and none at all.
class ReadTest : public ::testing::Test {
 protected:
  ReadTest() {
    std::mt19937 random(11);
    const std::vector<std::int64_t> sizes = {1, 0, 3, 4095, 4096, 4097, 70'000, 12'289, 0, 5};
    std::vector<NamedTensor> tensors;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      Tensor t = Tensor::allocate(i % 2 ? DType::U8 : DType::F64, {sizes[i]});
      for (std::size_t j = 0; j < t.bytes(); ++j) t.mutable_data()[j] = static_cast<std::byte>(random());
      tensors.push_back({fmt::format("t{}", i), t});
    }
    save(path_, tensors);
  }

  static bool same(const Tensor& a, const Tensor& b) {
    return a.dtype() == b.dtype() && a.shape() == b.shape() &&
           (a.bytes() == 0 || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "f.safetensors";
};

TEST_F(ReadTest, AllTensorsByEveryStrategy) {
  const SafeTensors file = SafeTensors::open(path_);
  for (const ReadStrategy strategy : kStrategies)
    for (const std::uint64_t block : {4096u, 10'000u, 4u << 20})
      for (const int threads : {1, 3}) {
        SCOPED_TRACE(fmt::format("{} {} {}", name(strategy), block, threads));
        ReadReport report;
        const ReadOptions options{.strategy = strategy, .block_bytes = block, .buffer_bytes = 20'000};
        const std::vector<Tensor> tensors = read_tensors(file, options, {.threads = threads}, &report);
        ASSERT_EQ(tensors.size(), file.tensors().size());
        for (std::size_t i = 0; i < tensors.size(); ++i) {
          EXPECT_TRUE(same(tensors[i], file.tensor(file.tensors()[i]))) << file.tensors()[i].name;
          EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensors[i].data()) % 64, 0u);
        }
        EXPECT_EQ(report.bytes, file.file_bytes() - 8 - file.header_bytes());
        EXPECT_GE(report.bytes_read, report.bytes);
        EXPECT_NE(report.strategy, ReadStrategy::automatic);
        EXPECT_FALSE(report.reason.empty());
        EXPECT_GT(report.reads, 0u);
      }
}

TEST_F(ReadTest, ChosenOnesInTheCallersOrder) {
  const SafeTensors file = SafeTensors::open(path_);
  const std::vector<std::string> names = {"t9", "t6", "t1", "t6", "t0"};
  for (const ReadStrategy strategy : kStrategies) {
    const std::vector<Tensor> tensors = read_tensors(file, names, {.strategy = strategy});
    ASSERT_EQ(tensors.size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) EXPECT_TRUE(same(tensors[i], file.tensor(names[i]))) << names[i];
  }
  EXPECT_ERROR(read_tensors(file, std::vector<std::string>{"t0", "none"}), model, "no tensor \"none\"");
}

TEST_F(ReadTest, IntoTheCallersMemory) {
  const SafeTensors file = SafeTensors::open(path_);
  const TensorInfo& info = *file.find("t6");
  std::vector<std::byte> memory(info.bytes() + 2, std::byte{0x55});
  for (const ReadStrategy strategy : kStrategies) {
    std::fill(memory.begin(), memory.end(), std::byte{0x55});
    const ReadTarget target{&info, std::span(memory).subspan(1, info.bytes())};
    read_into(file, {&target, 1}, {.strategy = strategy});
    EXPECT_EQ(std::memcmp(memory.data() + 1, file.tensor(info).data(), info.bytes()), 0);
    EXPECT_EQ(memory.front(), std::byte{0x55});
    EXPECT_EQ(memory.back(), std::byte{0x55});
  }
}

TEST_F(ReadTest, BytesInMemoryAreCopied) {
  const std::string bytes = test::read_file(path_);
  const SafeTensors file = SafeTensors::parse(std::as_bytes(std::span(bytes)));
  ReadReport report;
  const std::vector<Tensor> tensors = read_tensors(file, {.strategy = ReadStrategy::direct}, {}, &report);
  EXPECT_EQ(report.strategy, ReadStrategy::map);
  for (std::size_t i = 0; i < tensors.size(); ++i) EXPECT_TRUE(same(tensors[i], file.tensor(file.tensors()[i])));
}

TEST_F(ReadTest, NothingToRead) {
  const SafeTensors file = SafeTensors::open(path_);
  for (const ReadStrategy strategy : kStrategies) {
    EXPECT_TRUE(read_tensors(file, std::vector<std::string>{}, {.strategy = strategy}).empty());
    EXPECT_EQ(read_tensors(file, std::vector<std::string>{"t1"}, {.strategy = strategy})[0].elements(), 0);
  }
}

TEST_F(ReadTest, TellsProgressAndStopsWhenAsked) {
  const SafeTensors file = SafeTensors::open(path_);
  for (const ReadStrategy strategy : kStrategies) {
    CancelToken token;
    std::int64_t last = 0, total = 0;
    Context context{.threads = 2,
                    .on_progress =
                        [&](const Progress& p) {
                          EXPECT_EQ(p.stage, "read");
                          EXPECT_GE(p.done, last);
                          last = p.done;
                          total = p.total;
                        },
                    .cancel = &token};
    read_tensors(file, {.strategy = strategy, .block_bytes = 4096}, context);
    EXPECT_EQ(last, total);
    EXPECT_EQ(total, static_cast<std::int64_t>(file.file_bytes() - 8 - file.header_bytes()));
    token.cancel();
    EXPECT_ERROR(read_tensors(file, {.strategy = strategy}, context), cancelled, "cancelled");
  }
}

TEST_F(ReadTest, AFileThatShrankIsAnErrorThatNamesFileAndOffset) {
  for (const ReadStrategy strategy : kStrategies)
    for (const std::uint64_t length : {std::uint64_t{100'000}, std::uint64_t{98'304}, std::uint64_t{0}}) {
      SCOPED_TRACE(fmt::format("{} {}", name(strategy), length));
      const std::filesystem::path copy = folder_ / "copy";
      std::filesystem::copy_file(path_, copy, std::filesystem::copy_options::overwrite_existing);
      const SafeTensors file = SafeTensors::open(copy);
      std::filesystem::resize_file(copy, length);
      EXPECT_ERROR(read_tensors(file, {.strategy = strategy}), io, copy.native());
      EXPECT_ERROR(read_tensors(file, {.strategy = strategy, .block_bytes = 4096}, {.threads = 2}), io, "offset");
    }
}

TEST_F(ReadTest, TensorsShareMemoryOnlyAsPromised) {
  const SafeTensors file = SafeTensors::open(path_);
  std::vector<Tensor> tensors = read_tensors(file);
  const Tensor kept = tensors[3];
  tensors.clear();
  EXPECT_TRUE(same(kept, file.tensor(file.tensors()[3])));
}

// The ring itself, where the kernel has it: direct reads use it then.
TEST_F(ReadTest, DirectReadsUseTheRingIfThereIsOne) {
  const SafeTensors file = SafeTensors::open(path_);
  ReadReport report;
  read_tensors(file, {.strategy = ReadStrategy::direct}, {}, &report);
  const bool has_ring = IoRing::create(2) != nullptr;
  EXPECT_EQ(report.io_uring, has_ring && report.strategy == ReadStrategy::direct);
  if (!has_ring) return;
  const FileDescriptor fd(::open(path_.c_str(), O_RDONLY));
  std::array<std::byte, 8> first{}, second{};
  const auto ring = IoRing::create(2);
  ring->read(fd.get(), 0, first, 1);
  ring->read(fd.get(), 8, second, 2);
  EXPECT_EQ(ring->under_way(), 2u);
  std::uint64_t tags = 0;
  for (int i = 0; i < 2; ++i) {
    const IoRing::Done done = ring->wait();
    EXPECT_EQ(done.result, 8);
    tags += done.tag;
  }
  EXPECT_EQ(tags, 3u);
  EXPECT_EQ(second[0], std::byte{'{'});
  ring->read(-1, 0, first, 7);
  EXPECT_EQ(ring->wait().result, -EBADF);
}

}  // namespace
}  // namespace safelight
