#include "safelight/writer.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include "safelight/content_hash.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::read_file;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Bytes that tell their tensor and place.
std::vector<std::byte> bytes_for(const TensorSpec& spec) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(elements(spec.shape) * bits(spec.dtype) / 8));
  std::minstd_rand random(static_cast<unsigned>(std::hash<std::string>()(spec.name)));
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

Tensor tensor_for(const TensorSpec& spec) {
  Tensor t = Tensor::allocate(spec.dtype, spec.shape);
  const std::vector<std::byte> bytes = bytes_for(spec);
  std::copy(bytes.begin(), bytes.end(), t.mutable_data());
  return t;
}

std::vector<PendingTensor> pending(const std::vector<TensorSpec>& specs) {
  std::vector<PendingTensor> list;
  for (const TensorSpec& spec : specs)
    list.push_back({spec.name, spec.dtype, spec.shape, [spec] { return tensor_for(spec); }});
  return list;
}

void save_plainly(const std::filesystem::path& path, const std::vector<TensorSpec>& specs, const Metadata& metadata) {
  std::vector<NamedTensor> tensors;
  for (const TensorSpec& spec : specs) tensors.push_back({spec.name, tensor_for(spec)});
  save(path, tensors, metadata);
}

const std::vector<TensorSpec> kSpecs = {{"b", DType::F16, {3, 5}},    {"a", DType::F32, {1000, 7}},
                                        {"none", DType::I64, {0, 4}}, {"scalar", DType::BF16, {}},
                                        {"packed", DType::F4, {6}},   {"bytes", DType::U8, {12345}}};
const Metadata kMetadata = {{"format", "pt"}, {"title", "\"t\""}};

TEST(Writer, AnyOrderAndPieces) {
  const TemporaryFolder folder;
  save_plainly(folder / "expected", kSpecs, kMetadata);
  std::mt19937 random(3);
  for (int round = 0; round < 5; ++round) {
    Writer writer(folder / "f", kSpecs, kMetadata);
    struct Piece {
      std::size_t tensor, begin, end;
    };
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < kSpecs.size(); ++i) {
      const std::size_t size = bytes_for(kSpecs[i]).size();
      for (std::size_t at = 0; at < size;) {
        const std::size_t end = std::min(size, at + 1 + random() % 3000);
        pieces.push_back({i, at, end});
        at = end;
      }
    }
    std::shuffle(pieces.begin(), pieces.end(), random);
    for (const Piece& p : pieces) {
      const std::vector<std::byte> bytes = bytes_for(kSpecs[p.tensor]);
      writer.write(kSpecs[p.tensor].name, std::span(bytes).subspan(p.begin, p.end - p.begin), p.begin);
    }
    const SaveReport report = writer.finish();
    EXPECT_TRUE(report.atomic && report.durable) << report.note;
    EXPECT_TRUE(read_file(folder / "f") == read_file(folder / "expected"));
  }
  EXPECT_EQ(folder.files(), 2u);
}

TEST(Writer, SeveralThreads) {
  const TemporaryFolder folder;
  std::vector<TensorSpec> specs;
  for (int i = 0; i < 64; ++i) specs.push_back({"t" + std::to_string(i), i % 2 ? DType::F32 : DType::U8, {i, 1000}});
  save_plainly(folder / "expected", specs, {});
  Writer writer(folder / "f", specs);
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (std::size_t n; (n = next++) < specs.size();) writer.write(n, bytes_for(specs[n]));
    });
  for (std::thread& t : threads) t.join();
  writer.finish();
  EXPECT_TRUE(read_file(folder / "f") == read_file(folder / "expected"));
}

TEST(Writer, EveryByteExactlyOnce) {
  const TemporaryFolder folder;
  const std::vector<TensorSpec> specs = {{"a", DType::U8, {10}}, {"b", DType::U8, {0}}};
  const std::vector<std::byte> bytes(10);
  const std::span<const std::byte> all(bytes);
  {
    Writer writer(folder / "f", specs);
    writer.write("a", all.first(4), 2);
    EXPECT_ERROR(writer.write("a", all.first(3)), usage, "written twice");
    EXPECT_ERROR(writer.write("a", all.first(1), 5), usage, "written twice");
    EXPECT_ERROR(writer.write("a", all, 1), usage, "has 10 bytes, but 10 were to be written at 1");
    EXPECT_ERROR(writer.write("a", all.first(1), UINT64_MAX), usage, "has 10 bytes");
    EXPECT_ERROR(writer.write("c", all), usage, "no tensor is named \"c\"");
    EXPECT_ERROR(writer.write(2, all), usage, "there are 2 tensors");
    EXPECT_ERROR(writer.finish(), usage, "tensor \"a\" is not complete: 4 of 10 bytes");
    writer.write("a", all.first(2));
    writer.write("a", all.first(4), 6);
    EXPECT_EQ(folder.files(), 1u);  // the temporary one
    writer.finish();
  }
  EXPECT_EQ(SafeTensors::open(folder / "f").tensors().size(), 2u);
}

TEST(Writer, WithoutFinishNothingChanges) {
  const TemporaryFolder folder;
  test::write_file(folder / "f", "old");
  {
    Writer writer(folder / "f", kSpecs);
    writer.write("a", bytes_for(kSpecs[1]));
  }
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(Writer, RefusesWhatTheFormatCannotHold) {
  const TemporaryFolder folder;
  const auto open = [&](const std::vector<TensorSpec>& specs, const SaveOptions& options = {}) {
    Writer(folder / "f", specs, {}, options);
  };
  EXPECT_ERROR(open({{"a", DType::U8, {-1}}}), usage, "negative");
  EXPECT_ERROR(open({{"a", DType::U8, {INT64_MAX, 2}}}), usage, "too large");
  EXPECT_ERROR(open({{"a", DType::U8, {INT64_MAX / 8}}, {"b", DType::F64, {INT64_MAX / 64}}}), io, "");
  EXPECT_ERROR(open({{"a", DType::F4, {3}}}), usage, "whole bytes");
  EXPECT_ERROR(open({{"a"}, {"a"}}), usage, "two tensors");
  EXPECT_ERROR(open({{"a"}, {"a"}}, {.shard_bytes = 1}), usage, "two tensors");
  for (const std::uint64_t alignment : {0u, 4u, 24u, 2u << 20})
    EXPECT_ERROR(open({}, {.alignment = alignment}), usage, "power of two");
  EXPECT_ERROR(open({}, {.metadata_slack = UINT64_MAX}), limit, "100000000");
  EXPECT_EQ(folder.files(), 0u);
}

// Long before the work, because the room is taken first.
TEST(Writer, MoreThanTheDiskHas) {
  const TemporaryFolder folder;
  const std::uintmax_t room = std::filesystem::space(folder.path()).free;
  const std::vector<TensorSpec> specs = {{"a", DType::U8, {static_cast<std::int64_t>(room * 2)}}};
  EXPECT_ERROR(Writer(folder / "f", specs), io, "cannot reserve room on the disk");
  EXPECT_EQ(folder.files(), 0u);
}

class Alignment : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Alignment, OfTheData) {
  const TemporaryFolder folder;
  for (const std::size_t title : {0u, 1u, 2u, 57u, 200u}) {
    save(folder / "f", pending(kSpecs), {{"title", std::string(title, 't')}}, {.alignment = GetParam()});
    const SafeTensors file = SafeTensors::open(folder / "f");
    EXPECT_EQ((8 + file.header_bytes()) % GetParam(), 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.tensor(file.tensors()[0]).data()) % GetParam(), 0u);
  }
}
INSTANTIATE_TEST_SUITE_P(Bytes, Alignment, ::testing::Values(8, 64, 256, 4096));

TEST(Save, SlackIsSpacesAfterTheMetadata) {
  const TemporaryFolder folder;
  const std::vector<PendingTensor> one = pending({{"a", DType::U8, {1}}});
  save(folder / "f", one, {{"k", "v"}}, {.metadata_slack = 5});
  EXPECT_THAT(read_file(folder / "f"), HasSubstr(R"({"__metadata__":{"k":"v"}     ,"a":{"dtype")"));
  save(folder / "f", one, {}, {.metadata_slack = 5});
  EXPECT_THAT(read_file(folder / "f"), HasSubstr(R"({"__metadata__":{}     ,"a":{"dtype")"));
  EXPECT_TRUE(check(folder / "f").valid);
}

TEST(Save, PendingTensorsGiveTheSameFile) {
  const TemporaryFolder folder;
  save_plainly(folder / "expected", kSpecs, kMetadata);
  for (const int threads : {1, 3}) {
    std::vector<std::int64_t> done;
    const Context context = {.threads = threads, .on_progress = [&](const Progress& p) {
                               EXPECT_EQ(p.stage, "write");
                               EXPECT_EQ(p.total, 28000 + 30 + 2 + 3 + 12345);
                               done.push_back(p.done);
                             }};
    save(folder / "f", pending(kSpecs), kMetadata, {}, context);
    EXPECT_TRUE(read_file(folder / "f") == read_file(folder / "expected"));
    EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
    EXPECT_EQ(done.back(), 40380);
  }
}

TEST(Save, PendingTensorThatIsNotWhatItPromised) {
  const TemporaryFolder folder;
  const auto try_with = [&](Tensor made) {
    const std::vector<PendingTensor> list = {{"a", DType::F32, {2}, [made] { return made; }}};
    save(folder / "f", list, {});
  };
  EXPECT_ERROR(try_with(Tensor::allocate(DType::F16, {2})), model, "was to be F32 [2], but F16 [2] came");
  EXPECT_ERROR(try_with(Tensor::allocate(DType::F32, {2, 1})), model, "[2, 1] came");
  EXPECT_ERROR(try_with(Tensor()), model, "without bytes");
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Save, ExceptionsOfTensorsComeThrough) {
  const TemporaryFolder folder;
  std::vector<PendingTensor> list = pending(kSpecs);
  list[0].make = []() -> Tensor { throw std::runtime_error("not today"); };
  EXPECT_THROW(save(folder / "f", list, {}, {}, {.threads = 2}), std::runtime_error);
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Save, Cancel) {
  const TemporaryFolder folder;
  test::write_file(folder / "f", "old");
  CancelToken cancel;
  std::vector<PendingTensor> list = pending(kSpecs);
  list[2].make = [&] {
    cancel.cancel();
    return tensor_for(kSpecs[2]);
  };
  EXPECT_ERROR(save(folder / "f", list, {}, {}, {.threads = 2, .cancel = &cancel}), cancelled, "");
  EXPECT_EQ(read_file(folder / "f"), "old");
  EXPECT_EQ(folder.files(), 1u);
}

// Tensors of 40 MiB, of which 128 MiB may be in memory: three at a time. And one that is larger than all that.
TEST(Save, MemoryIsBounded) {
  const TemporaryFolder folder;
  std::atomic<std::int64_t> alive{0}, most{0};
  const auto counted = [&](std::int64_t bytes) {
    const std::int64_t now = alive += bytes;
    for (std::int64_t seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    const auto block =
        std::shared_ptr<std::byte>(new std::byte[static_cast<std::size_t>(bytes)], [&, bytes](std::byte* p) {
          alive -= bytes;
          delete[] p;
        });
    return Tensor(DType::U8, {bytes}, block);
  };
  constexpr std::int64_t kUsual = 40 << 20;
  std::vector<PendingTensor> list;
  for (int i = 0; i < 5; ++i)
    list.push_back({std::to_string(i), DType::U8, {kUsual}, [&counted] { return counted(kUsual); }});
  save(folder / "f", list, {}, {.durable = false}, {.threads = 5});
  EXPECT_LE(most, 3 * kUsual);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(SafeTensors::open(folder / "f").tensors().size(), 5u);
}

TEST(Save, ShardsAndIndex) {
  const TemporaryFolder folder;
  const std::vector<TensorSpec> specs = {
      {"w.1", DType::U8, {60}}, {"w.0", DType::F32, {10}}, {"large", DType::U8, {500}}, {"last", DType::U8, {1}}};
  save(folder / "m.safetensors", pending(specs), kMetadata, {.shard_bytes = 100});
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  EXPECT_THAT(names, ElementsAre("m-00001-of-00003.safetensors", "m-00002-of-00003.safetensors",
                                 "m-00003-of-00003.safetensors", "m.safetensors.index.json"));
  EXPECT_EQ(read_file(folder / "m.safetensors.index.json"), R"({
  "metadata": {
    "total_size": 601
  },
  "weight_map": {
    "large": "m-00002-of-00003.safetensors",
    "last": "m-00003-of-00003.safetensors",
    "w.0": "m-00001-of-00003.safetensors",
    "w.1": "m-00001-of-00003.safetensors"
  }
}
)");
  save_plainly(folder / "expected", {specs[0], specs[1]}, kMetadata);
  EXPECT_TRUE(read_file(folder / "m-00001-of-00003.safetensors") == read_file(folder / "expected"));
}

// The index could not name its files.
TEST(Save, NameOfASetIsUtf8) {
  const TemporaryFolder folder;
  const std::vector<TensorSpec> specs = {{"a", DType::U8, {10}}, {"b", DType::U8, {10}}};
  EXPECT_ERROR(save(folder / "\xFF.safetensors", pending(specs), {}, {.shard_bytes = 10}), usage, "\\xff");
  EXPECT_EQ(folder.files(), 0u);
  save(folder / "\xFF.safetensors", pending(specs), {});
  EXPECT_EQ(folder.files(), 1u);
}

TEST(Save, WhatFitsOneShardIsOneFile) {
  const TemporaryFolder folder;
  save_plainly(folder / "expected", kSpecs, {});
  save(folder / "f", pending(kSpecs), {}, {.shard_bytes = 40380});
  EXPECT_TRUE(read_file(folder / "f") == read_file(folder / "expected"));
  EXPECT_EQ(folder.files(), 2u);
}

TEST(Save, SetReplacesSet) {
  const TemporaryFolder folder;
  const std::vector<TensorSpec> old = {{"a", DType::U8, {10}}, {"b", DType::U8, {10}}};
  const std::vector<TensorSpec> now = {{"c", DType::U8, {10}}, {"d", DType::U8, {10}}};
  save(folder / "m", pending(old), {}, {.shard_bytes = 10});
  save(folder / "m", pending(now), {}, {.shard_bytes = 10});
  EXPECT_EQ(folder.files(), 3u);
  EXPECT_NE(SafeTensors::open(folder / "m-00002-of-00002").find("d"), nullptr);
  EXPECT_THAT(read_file(folder / "m.index.json"), HasSubstr("\"c\": \"m-00001-of-00002\""));
}

TEST(Save, HashesAreTheSameHoweverTheFileWasWritten) {
  const TemporaryFolder folder;
  const SaveOptions hashes = {.hashes = true};
  save(folder / "whole", pending(kSpecs), kMetadata, hashes);
  std::vector<TensorSpec> other_order(kSpecs.rbegin(), kSpecs.rend());
  Writer writer(folder / "pieces", other_order, kMetadata, hashes);
  for (const TensorSpec& spec : kSpecs) {
    const std::vector<std::byte> bytes = bytes_for(spec);
    const std::span<const std::byte> all(bytes);
    writer.write(spec.name, all.subspan(bytes.size() / 3), bytes.size() / 3);
    writer.write(spec.name, all.first(bytes.size() / 3));
  }
  writer.finish();
  EXPECT_TRUE(read_file(folder / "pieces") == read_file(folder / "whole"));
  const SafeTensors file = SafeTensors::open(folder / "whole");
  EXPECT_EQ(file.metadata().size(), 4u);
  EXPECT_EQ(file.metadata().at(std::string(kContentHashKey)), content_hash(file));
  EXPECT_TRUE(verify(file).matches);
}

TEST(Save, HashesOfASet) {
  const TemporaryFolder folder;
  save_plainly(folder / "one", kSpecs, {});
  save(folder / "m", pending(kSpecs), {}, {.hashes = true, .shard_bytes = 1000});
  EXPECT_THAT(read_file(folder / "m.index.json"),
              HasSubstr("\"safelight.content_hash\": \"" + content_hash(SafeTensors::open(folder / "one")) + "\""));
  EXPECT_TRUE(verify(SafeTensors::open(folder / "m-00004-of-00004")).matches);
}

}  // namespace
}  // namespace safelight
