// Selections against NumPy's (tests/golden/slices.py), from memory and from a file, and the bytes they take.
#include "safelight/slice.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <numeric>
#include <random>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::TemporaryFolder;

struct Golden {
  std::string shape, expression, result;
};

std::vector<Golden> goldens() {
  std::ifstream file(SAFELIGHT_SOURCE_DIR "/tests/data/format/slices.txt");
  std::vector<Golden> lines;
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find('|'), last = line.rfind('|');
    lines.push_back({line.substr(0, first), line.substr(first + 1, last - first - 1), line.substr(last + 1)});
  }
  return lines;
}

Shape parse_shape(const std::string& text) {
  Shape shape;
  for (const char *p = text.data(), *end = p + text.size(); p < end; ++p)
    p = std::from_chars(p, end, shape.emplace_back()).ptr;
  return shape;
}

// 0, 1, 2, ...
Tensor counting(const Shape& shape) {
  Tensor t = Tensor::allocate(DType::U16, shape);
  for (std::int64_t i = 0; i < t.elements(); ++i) {
    const auto value = static_cast<std::uint16_t>(i);
    std::memcpy(t.mutable_data() + 2 * i, &value, 2);
  }
  return t;
}

// As the goldens tell a result.
std::string told(const Tensor& t) {
  std::uint32_t hash = 0x811C9DC5u;
  for (std::size_t i = 0; i < t.bytes(); ++i) hash = (hash ^ std::to_integer<std::uint32_t>(t.data()[i])) * 0x01000193u;
  std::string shape;
  for (const std::int64_t size : t.shape()) shape += (shape.empty() ? "" : ",") + std::to_string(size);
  return fmt::format("{} {:08x}", shape, hash);
}

template <class Select>
std::string outcome(Select select) {
  try {
    return told(select());
  } catch (const Error& e) {
    EXPECT_EQ(e.category(), ErrorCategory::usage) << e.what();
    return "error";
  }
}

TEST(Slice, SelectsWhatNumpySelects) {
  const std::vector<Golden> cases = goldens();
  ASSERT_EQ(cases.size(), 4000u);
  std::map<std::string, Tensor> tensors;
  for (const Golden& c : cases) {
    if (!tensors.contains(c.shape)) tensors[c.shape] = counting(parse_shape(c.shape));
    EXPECT_EQ(outcome([&] { return slice(tensors[c.shape], parse_slices(c.expression)); }), c.result)
        << c.shape << " [" << c.expression << "]";
  }
}

TEST(Slice, FromAFileItIsTheSame) {
  const TemporaryFolder folder;
  const std::vector<Golden> cases = goldens();
  std::map<std::string, Tensor> tensors;
  for (const Golden& c : cases) tensors.try_emplace(c.shape, counting(parse_shape(c.shape)));
  std::vector<NamedTensor> named;
  for (const auto& [name, tensor] : tensors) named.push_back({name, tensor});
  save(folder / "f", named);
  const SafeTensors file = SafeTensors::open(folder / "f");
  std::size_t round = 0;
  for (const Golden& c : cases) {
    ReadOptions options{.strategy = round % 3 == 0 ? ReadStrategy::map : ReadStrategy::parallel,
                        .max_gap = round % 4 * 10};
    ++round;
    ReadReport report;
    const auto from_file = [&] {
      return slice(file, c.shape, parse_slices(c.expression), options, {.threads = 1}, &report);
    };
    ASSERT_EQ(outcome(from_file), c.result) << c.shape << " [" << c.expression << "]";
    if (c.result != "error") {
      const SlicePlan plan(file, c.shape, parse_slices(c.expression));
      std::uint64_t bytes = 0, last = 0;
      plan.for_each_run([&](const SlicePlan::Run& run) {
        EXPECT_GE(run.offset, last) << "ascending";
        last = run.offset + run.bytes;
        bytes += run.bytes;
      });
      EXPECT_EQ(bytes, plan.bytes());
      EXPECT_EQ(report.bytes, bytes);
      EXPECT_GE(report.bytes_read, bytes);
      EXPECT_TRUE(options.max_gap > 0 || report.bytes_read == bytes);
    }
  }
}

TEST(Slice, TextIsCheckedToItsEnd) {
  EXPECT_EQ(parse_slices("[0:10:2, ..., -1]").size(), 3u);
  EXPECT_EQ(std::get<Range>(parse_slices(" 0 : 10 : 2")[0]).step, 2);
  EXPECT_EQ(std::get<std::int64_t>(parse_slices("+3")[0]), 3);
  EXPECT_TRUE(parse_slices("[()]").empty());
  for (const char* text :
       {"", "[", "1,,2", "1 2", "a", "1:2:3:4", "....", "[1", "1]", "1.5", "[[1]]", ",", "+-1", "1e3", "[]"})
    EXPECT_ERROR(parse_slices(text), usage, "expected");
  EXPECT_ERROR(parse_slices("0:3, x"), usage, "at position 6 of the index \"0:3, x\", found 'x'");
}

TEST(Slice, ErrorsNameTensorAndAxis) {
  const TemporaryFolder folder;
  save(folder / "f", std::vector<NamedTensor>{{"w", counting({3, 4})}});
  const SafeTensors file = SafeTensors::open(folder / "f");
  EXPECT_ERROR(slice(file, "w", parse_slices("0, -5")), usage,
               "index -5 is outside axis 1 of tensor \"w\", which has size 4");
  EXPECT_ERROR(slice(file, "w", parse_slices("0,0,0")), usage, "too many indices: 3 for tensor \"w\" of 2 dimensions");
  EXPECT_ERROR(slice(file, "w", parse_slices("...,...")), usage, "one ellipsis");
  EXPECT_ERROR(slice(file, "w", parse_slices("::0")), usage, "step");
  EXPECT_ERROR(slice(file, "v", {}), model, "no tensor \"v\"");
}

// F4 has two elements in a byte, F6 four in three.
TEST(Slice, PackedTypesOnWholeBytes) {
  Tensor t = Tensor::allocate(DType::F4, {3, 4});
  for (int i = 0; i < 6; ++i) t.mutable_data()[i] = static_cast<std::byte>(i);
  const auto bytes = [&](const char* index) {
    const Tensor s = slice(t, parse_slices(index));
    return std::string(reinterpret_cast<const char*>(s.data()), s.bytes());
  };
  EXPECT_EQ(bytes("::2"), std::string("\0\1\4\5", 4));
  EXPECT_EQ(bytes(":, 2:"), std::string("\1\3\5"));
  EXPECT_EQ(bytes("::-1, :2"), std::string("\4\2\0", 3));
  EXPECT_EQ(bytes("1, ..."), std::string("\2\3"));
  for (const char* index : {"0, 0", ":, 1:3", ":, ::2", ":, ::-1", "0, 1:2"})
    EXPECT_ERROR(bytes(index), usage, "of F4 does not fall on whole bytes");
  EXPECT_EQ(slice(Tensor::allocate(DType::F6_E2M3, {2, 8}), parse_slices(":, 4:")).bytes(), 6u);
  EXPECT_ERROR(slice(Tensor::allocate(DType::F6_E2M3, {2, 8}), parse_slices(":, 2:6")), usage, "whole bytes");
  EXPECT_EQ(slice(t, parse_slices("1:1, 1:2")).elements(), 0) << "nothing falls anywhere";
}

// What the kernel says this process has asked files for.
std::uint64_t bytes_read_by_process() {
  std::ifstream io("/proc/self/io");
  std::string key;
  std::uint64_t value = 0;
  io >> key >> value;
  EXPECT_EQ(key, "rchar:");
  return value;
}

TEST(Slice, ReadsOnlyTheBytesItNeeds) {
  const TemporaryFolder folder;
  save(folder / "f", std::vector<NamedTensor>{{"w", counting({1000, 500})}});
  const SafeTensors file = SafeTensors::open(folder / "f");
  struct Case {
    const char* index;
    std::uint64_t max_gap, read;
  };
  const std::vector<Case> cases = {
      {"10:20", 0, 10 * 1000},          // whole rows are one run
      {"::100", 0, 10 * 1000},          // far rows
      {"::100", 4096, 10 * 1000},       // further apart than the gap
      {":, :5", 0, 1000 * 10},          // a column of short runs
      {":, :5", 990, 999 * 1000 + 10},  // of which all gaps are read along
      {":, :5", 989, 1000 * 10},        // a byte too far
      {"5, ::2", 0, 250 * 2},           // single elements
      {"5, ::2", 4096, 499 * 2},        // from the first to the last
      {"5, ::-2", 4096, 499 * 2},      {"3:3", 4096, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("[{}] with gaps up to {}", c.index, c.max_gap));
    ReadReport report;
    const ReadOptions options{.strategy = ReadStrategy::parallel, .max_gap = c.max_gap};
    bytes_read_by_process();
    const std::uint64_t itself = [] {
      const std::uint64_t before = bytes_read_by_process();
      return bytes_read_by_process() - before;
    }();
    const std::uint64_t before = bytes_read_by_process();
    slice(file, "w", parse_slices(c.index), options, {.threads = 1}, &report);
    const std::uint64_t after = bytes_read_by_process();
    EXPECT_EQ(report.bytes_read, c.read);
    EXPECT_NEAR(static_cast<double>(after - before - itself), static_cast<double>(c.read), 4) << "digits of /proc";
  }
}

TEST(Gather, IsOnePassInFileOrder) {
  const TemporaryFolder folder;
  save(folder / "f", std::vector<NamedTensor>{{"a", counting({100, 50})}, {"b", counting({20})}});
  const SafeTensors file = SafeTensors::open(folder / "f");
  const std::vector<std::pair<const char*, const char*>> wanted = {{"b", "::3"},     {"a", "90:"},  {"a", "0:40"},
                                                                   {"a", "30:60:2"}, {"a", ":, 7"}, {"b", "()"},
                                                                   {"a", "-1, -1"},  {"a", "5:5"}};
  std::vector<SlicePlan> plans;
  for (const auto& [name, index] : wanted) plans.emplace_back(file, name, parse_slices(index));
  for (const std::uint64_t block : {4096u, 1u << 20})
    for (const ReadStrategy strategy : {ReadStrategy::parallel, ReadStrategy::map, ReadStrategy::direct}) {
      ReadReport report;
      const ReadOptions options{.strategy = strategy, .block_bytes = block};
      const std::vector<Tensor> results = gather(file, plans, options, {}, &report);
      ASSERT_EQ(results.size(), wanted.size());
      for (std::size_t i = 0; i < wanted.size(); ++i)
        EXPECT_EQ(told(results[i]), told(slice(file.tensor(wanted[i].first), parse_slices(wanted[i].second)))) << i;
    }
  std::uint64_t last = 0, bytes = 0;
  for_each_range(plans, {.max_gap = 0}, [&](const SlicePlan::Run& run) {
    EXPECT_GT(run.offset, last);
    last = run.offset + run.bytes;
    bytes += run.bytes;
  });
  // All of b; of a the rows 0 to 59 of which the odd ones from 41 on only in column 7, then column 7, then 90 to 99.
  EXPECT_EQ(bytes, 40u + (40 + 10 + 10) * 100 + (10 + 30) * 2);
}

// Selections of random places, in random order, against those from memory.
TEST(Gather, RandomSelections) {
  const TemporaryFolder folder;
  const Tensor t = counting({37, 11, 9, 5});
  save(folder / "f", std::vector<NamedTensor>{{"t", t}});
  const SafeTensors file = SafeTensors::open(folder / "f");
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    std::vector<SlicePlan> plans;
    std::vector<Tensor> expected;
    for (int i = 0; i < 12; ++i) {
      Slices slices;
      for (const std::int64_t size : t.shape()) {
        const auto bound = [&] { return static_cast<std::int64_t>(random() % static_cast<unsigned>(size + 1)); };
        const std::int64_t step = static_cast<std::int64_t>(random() % 5) - 2;
        slices.emplace_back(Range{bound(), random() % 3 ? std::optional(bound()) : std::nullopt, step == 0 ? 1 : step});
      }
      plans.emplace_back(file, "t", slices);
      expected.push_back(slice(t, slices));
    }
    const ReadOptions options{.strategy = ReadStrategy::parallel, .block_bytes = 4096, .max_gap = random() % 300};
    const std::vector<Tensor> results = gather(file, plans, options, {.threads = 2});
    for (std::size_t i = 0; i < results.size(); ++i) ASSERT_EQ(told(results[i]), told(expected[i]));
  }
}

}  // namespace
}  // namespace safelight
