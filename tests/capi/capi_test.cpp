// The C interface, from C++, linked with the shared library as its users are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "failing_memory.h"
#include "safelight/safelight.h"
#include "support/temporary_folder.h"

extern "C" int sum_from_c(const char* path);

namespace {

using safelight::test::FailingMemory;
using safelight::test::TemporaryFolder;
using testing::HasSubstr;

// Frees what the interface gave.
struct Free {
  void operator()(safelight_error* p) const { safelight_error_free(p); }
  void operator()(safelight_file* p) const { safelight_close(p); }
  void operator()(safelight_array* p) const { safelight_array_free(p); }
  void operator()(safelight_options* p) const { safelight_options_free(p); }
  void operator()(safelight_verdict* p) const { safelight_verdict_free(p); }
  void operator()(safelight_writer* p) const { safelight_writer_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string file_of(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i));
  return bytes + header + data;
}

// "a" is U8 [2, 3] = 0 to 5, "b" is a scalar; the metadata has a NUL inside.
const std::string kBytes =
    file_of(R"({"__metadata__":{"k":"v","n":"x\u0000y"},"b":{"dtype":"I8","shape":[],"data_offsets":[6,7]},)"
            R"("a":{"dtype":"U8","shape":[2,3],"data_offsets":[0,6]}})",
            std::string("\0\1\2\3\4\5\7", 7));

class Capi : public testing::Test {
 protected:
  Owned<safelight_file> open(const std::string& bytes = kBytes) {
    safelight_file* file = nullptr;
    EXPECT_EQ(safelight_open_memory(bytes.data(), bytes.size(), nullptr, &file, error_.get()), SAFELIGHT_OK) << message();
    return Owned<safelight_file>(file);
  }
  std::string message() const { return safelight_error_message(error_.get()); }
  void expect_failure(safelight_status found, safelight_status expected, const std::string& part) const {
    EXPECT_EQ(found, expected);
    EXPECT_EQ(safelight_error_status(error_.get()), expected);
    EXPECT_THAT(message(), HasSubstr(part));
    EXPECT_EQ(message().find('\n'), std::string::npos);
  }

  const Owned<safelight_error> error_{safelight_error_new()};
  const TemporaryFolder folder_;
};

TEST_F(Capi, WorksFromC) { EXPECT_EQ(sum_from_c((folder_ / "c.safetensors").c_str()), 6); }

TEST_F(Capi, Versions) {
  EXPECT_EQ(safelight_abi_version(), static_cast<std::uint32_t>(SAFELIGHT_ABI_VERSION));
  EXPECT_STREQ(safelight_version(), SAFELIGHT_VERSION);
}

TEST_F(Capi, Dtypes) {
  EXPECT_STREQ(safelight_dtype_name(SAFELIGHT_F8_E4M3FNUZ), "F8_E4M3FNUZ");
  EXPECT_EQ(safelight_dtype_bits(SAFELIGHT_F6_E2M3), 6u);
  for (const safelight_dtype none : {-1, SAFELIGHT_U64 + 1}) {
    EXPECT_EQ(safelight_dtype_name(none), nullptr);
    EXPECT_EQ(safelight_dtype_bits(none), 0u);
  }
}

TEST_F(Capi, Lists) {
  const auto file = open();
  EXPECT_EQ(safelight_file_bytes(file.get()), kBytes.size());
  EXPECT_EQ(safelight_header_bytes(file.get()), kBytes.size() - 15);
  ASSERT_EQ(safelight_tensor_count(file.get()), 2u);
  const safelight_tensor* a = safelight_tensor_at(file.get(), 0);
  std::size_t length = 0;
  EXPECT_STREQ(safelight_tensor_name(a, &length), "a");
  EXPECT_EQ(length, 1u);
  EXPECT_EQ(safelight_tensor_dtype(a), SAFELIGHT_U8);
  ASSERT_EQ(safelight_tensor_rank(a), 2u);
  EXPECT_EQ(safelight_tensor_shape(a)[0], 2u);
  EXPECT_EQ(safelight_tensor_shape(a)[1], 3u);
  EXPECT_EQ(safelight_tensor_bytes(a), 6u);
  EXPECT_EQ(safelight_tensor_offset(file.get(), a), kBytes.size() - 7);
  EXPECT_EQ(safelight_tensor_find(file.get(), "a"), a);
  EXPECT_EQ(safelight_tensor_rank(safelight_tensor_find(file.get(), "b")), 0u);
  EXPECT_EQ(safelight_tensor_find(file.get(), "c"), nullptr);
  EXPECT_EQ(safelight_tensor_at(file.get(), 2), nullptr);
}

TEST_F(Capi, Metadata) {
  const auto file = open();
  ASSERT_EQ(safelight_metadata_count(file.get()), 2u);
  std::size_t length = 0;
  EXPECT_STREQ(safelight_metadata_key_at(file.get(), 0, nullptr), "k");
  EXPECT_STREQ(safelight_metadata_value_at(file.get(), 0, &length), "v");
  EXPECT_EQ(length, 1u);
  EXPECT_EQ(std::memcmp(safelight_metadata_find(file.get(), "n", &length), "x\0y", 4), 0);
  EXPECT_EQ(length, 3u);
  EXPECT_EQ(safelight_metadata_key_at(file.get(), 2, &length), nullptr);
  EXPECT_EQ(safelight_metadata_find(file.get(), "l", nullptr), nullptr);
}

TEST_F(Capi, ViewsAndReads) {
  const auto file = open();
  const safelight_tensor* a = safelight_tensor_find(file.get(), "a");
  const void* data = nullptr;
  ASSERT_EQ(safelight_view(file.get(), a, &data, error_.get()), SAFELIGHT_OK);
  EXPECT_EQ(data, kBytes.data() + kBytes.size() - 7);
  char two[2] = {};
  ASSERT_EQ(safelight_read(file.get(), a, 4, two, 2, error_.get()), SAFELIGHT_OK) << message();
  EXPECT_EQ(two[1], 5);
  EXPECT_EQ(safelight_read(file.get(), a, 6, nullptr, 0, error_.get()), SAFELIGHT_OK);
  expect_failure(safelight_read(file.get(), a, 5, two, 2, error_.get()), SAFELIGHT_USAGE, "found 2 bytes at 5");
  expect_failure(safelight_read(file.get(), a, ~std::uint64_t{0}, two, 2, error_.get()), SAFELIGHT_USAGE, "6 bytes");
}

TEST_F(Capi, Slices) {
  auto file = open();
  const safelight_tensor* a = safelight_tensor_find(file.get(), "a");
  safelight_array* slice = nullptr;
  ASSERT_EQ(safelight_slice(file.get(), a, "::-1, 1:", &slice, error_.get()), SAFELIGHT_OK) << message();
  const Owned<safelight_array> array(slice);
  file.reset();  // the array lives on
  EXPECT_EQ(safelight_array_dtype(slice), SAFELIGHT_U8);
  ASSERT_EQ(safelight_array_rank(slice), 2u);
  EXPECT_EQ(safelight_array_shape(slice)[1], 2u);
  ASSERT_EQ(safelight_array_bytes(slice), 4u);
  EXPECT_EQ(std::memcmp(safelight_array_data(slice), "\4\5\1\2", 4), 0);
}

TEST_F(Capi, BadSlicesAreUsageErrors) {
  const auto file = open();
  const safelight_tensor* a = safelight_tensor_find(file.get(), "a");
  safelight_array* array = nullptr;
  for (const char* bad : {"7", "x", "::0", "0,0,0"})
    EXPECT_EQ(safelight_slice(file.get(), a, bad, &array, error_.get()), SAFELIGHT_USAGE) << bad;
  EXPECT_EQ(array, nullptr);
}

TEST_F(Capi, ErrorsSayWhatAndWhere) {
  safelight_file* file = nullptr;
  const std::string none = folder_ / "none";
  expect_failure(safelight_open(none.c_str(), nullptr, &file, error_.get()), SAFELIGHT_IO, none);
  expect_failure(safelight_open_memory("", 0, nullptr, &file, error_.get()), SAFELIGHT_FORMAT, "header-too-small");
  EXPECT_EQ(file, nullptr);
  const auto opened = open();  // clears the error
  EXPECT_EQ(safelight_error_status(error_.get()), SAFELIGHT_OK);
  EXPECT_EQ(message(), "");
}

TEST_F(Capi, OptionsCompatAndLimits) {
  const std::string odd = file_of(" {}", "");
  const Owned<safelight_options> options(safelight_options_new());
  safelight_file* file = nullptr;
  const auto try_open = [&](const std::string& bytes) {
    return safelight_open_memory(bytes.data(), bytes.size(), options.get(), &file, error_.get());
  };
  expect_failure(try_open(odd), SAFELIGHT_FORMAT, "header-start");
  safelight_options_set_compat(options.get(), 1);
  ASSERT_EQ(try_open(odd), SAFELIGHT_OK);
  safelight_close(file);
  for (const auto& [limit, value] : {std::pair{SAFELIGHT_LIMIT_HEADER_BYTES, 10}, {SAFELIGHT_LIMIT_TENSORS, 1},
                                     {SAFELIGHT_LIMIT_RANK, 1}, {SAFELIGHT_LIMIT_NAME_BYTES, 0},
                                     {SAFELIGHT_LIMIT_DATA_BYTES, 6}, {SAFELIGHT_LIMIT_MEMORY_BYTES, 10}}) {
    const Owned<safelight_options> strict(safelight_options_new());
    ASSERT_EQ(safelight_options_set_limit(strict.get(), limit, static_cast<std::uint64_t>(value), error_.get()),
              SAFELIGHT_OK);
    EXPECT_EQ(safelight_open_memory(kBytes.data(), kBytes.size(), strict.get(), &file, error_.get()), SAFELIGHT_LIMIT)
        << limit;
  }
  expect_failure(safelight_options_set_limit(options.get(), 6, 1, error_.get()), SAFELIGHT_USAGE, "found 6");
}

TEST_F(Capi, Checks) {
  const std::string path = folder_ / "f";
  std::ofstream(path) << file_of("{\"a\"}", "");
  safelight_verdict* found = nullptr;
  ASSERT_EQ(safelight_check(path.c_str(), nullptr, &found, error_.get()), SAFELIGHT_OK) << message();
  const Owned<safelight_verdict> verdict(found);
  EXPECT_EQ(safelight_verdict_valid(found), 0);
  EXPECT_STREQ(safelight_verdict_rule(found), "json-syntax");
  EXPECT_THAT(safelight_verdict_detail(found), HasSubstr("byte 12"));
}

TEST_F(Capi, WritesFromSeveralThreads) {
  const std::string path = folder_ / "w.safetensors";
  const Owned<safelight_writer> writer(safelight_writer_new());
  const std::uint64_t shape[] = {1000};
  for (const char* name : {"a", "b", "c", "d"})
    ASSERT_EQ(safelight_writer_declare(writer.get(), name, SAFELIGHT_U8, shape, 1, error_.get()), SAFELIGHT_OK);
  ASSERT_EQ(safelight_writer_declare(writer.get(), "s", SAFELIGHT_F64, nullptr, 0, error_.get()), SAFELIGHT_OK);
  ASSERT_EQ(safelight_writer_set_metadata(writer.get(), "k", "v", error_.get()), SAFELIGHT_OK);
  ASSERT_EQ(safelight_writer_set_alignment(writer.get(), 256, error_.get()), SAFELIGHT_OK);
  ASSERT_EQ(safelight_writer_set_durable(writer.get(), 0, error_.get()), SAFELIGHT_OK);
  ASSERT_EQ(safelight_writer_open(writer.get(), path.c_str(), error_.get()), SAFELIGHT_OK) << message();
  std::vector<std::thread> threads;
  for (const char* name : {"a", "b", "c", "d"})
    threads.emplace_back([&, name] {
      const std::string bytes(1000, name[0]);
      for (std::size_t i = 0; i < 1000; i += 100)
        EXPECT_EQ(safelight_writer_write(writer.get(), name, i, bytes.data() + i, 100, nullptr), SAFELIGHT_OK);
    });
  for (std::thread& t : threads) t.join();
  expect_failure(safelight_writer_finish(writer.get(), error_.get()), SAFELIGHT_USAGE, "\"s\"");
}

TEST_F(Capi, WrittenFileOpens) {
  const std::string path = folder_ / "w.safetensors";
  const Owned<safelight_writer> writer(safelight_writer_new());
  const double value = 0.5;
  ASSERT_EQ(safelight_writer_declare(writer.get(), "s", SAFELIGHT_F64, nullptr, 0, error_.get()), SAFELIGHT_OK);
  ASSERT_EQ(safelight_writer_set_metadata(writer.get(), "k", "v", error_.get()), SAFELIGHT_OK);
  ASSERT_EQ(safelight_writer_set_alignment(writer.get(), 256, error_.get()), SAFELIGHT_OK);
  ASSERT_EQ(safelight_writer_open(writer.get(), path.c_str(), error_.get()), SAFELIGHT_OK) << message();
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_EQ(safelight_writer_write(writer.get(), "s", 0, &value, sizeof value, error_.get()), SAFELIGHT_OK) << message();
  ASSERT_EQ(safelight_writer_finish(writer.get(), error_.get()), SAFELIGHT_OK) << message();
  safelight_file* opened = nullptr;
  ASSERT_EQ(safelight_open(path.c_str(), nullptr, &opened, error_.get()), SAFELIGHT_OK) << message();
  const Owned<safelight_file> file(opened);
  EXPECT_STREQ(safelight_metadata_find(opened, "k", nullptr), "v");
  EXPECT_EQ(safelight_tensor_offset(opened, safelight_tensor_at(opened, 0)) % 256, 0u);
}

TEST_F(Capi, WriterRefusesWhatComesTooEarlyOrTooLate) {
  const Owned<safelight_writer> writer(safelight_writer_new());
  const std::uint64_t huge[] = {std::uint64_t{1} << 63};
  expect_failure(safelight_writer_write(writer.get(), "a", 0, "x", 1, error_.get()), SAFELIGHT_USAGE, "not open");
  expect_failure(safelight_writer_finish(writer.get(), error_.get()), SAFELIGHT_USAGE, "not open");
  expect_failure(safelight_writer_declare(writer.get(), "a", 99, nullptr, 0, error_.get()), SAFELIGHT_USAGE, "dtype");
  expect_failure(safelight_writer_declare(writer.get(), "a", SAFELIGHT_U8, huge, 1, error_.get()), SAFELIGHT_USAGE,
                 "9223372036854775808");
  const std::string path = folder_ / "w";
  ASSERT_EQ(safelight_writer_open(writer.get(), path.c_str(), error_.get()), SAFELIGHT_OK) << message();
  expect_failure(safelight_writer_declare(writer.get(), "a", SAFELIGHT_U8, nullptr, 0, error_.get()), SAFELIGHT_USAGE,
                 "is open");
  expect_failure(safelight_writer_write(writer.get(), "a", 0, "x", 1, error_.get()), SAFELIGHT_USAGE, "\"a\"");
}

// Every pointer argument may be NULL without harm.
TEST_F(Capi, NullArguments) {
  const auto file = open();
  const safelight_tensor* a = safelight_tensor_at(file.get(), 0);
  const void* data = nullptr;
  safelight_array* array = nullptr;
  safelight_file* opened = nullptr;
  safelight_verdict* verdict = nullptr;
  safelight_error* e = error_.get();
  for (const safelight_status status :
       {safelight_open(nullptr, nullptr, &opened, e), safelight_open("x", nullptr, nullptr, e),
        safelight_open_memory(nullptr, 9, nullptr, &opened, e), safelight_open_memory("", 0, nullptr, nullptr, e),
        safelight_view(nullptr, a, &data, e), safelight_view(file.get(), nullptr, &data, e),
        safelight_view(file.get(), a, nullptr, e), safelight_read(nullptr, a, 0, nullptr, 0, e),
        safelight_read(file.get(), nullptr, 0, nullptr, 0, e), safelight_read(file.get(), a, 0, nullptr, 1, e),
        safelight_slice(nullptr, a, "", &array, e), safelight_slice(file.get(), nullptr, "", &array, e),
        safelight_slice(file.get(), a, nullptr, &array, e), safelight_slice(file.get(), a, "", nullptr, e),
        safelight_check(nullptr, nullptr, &verdict, e), safelight_check("x", nullptr, nullptr, e),
        safelight_options_set_limit(nullptr, 0, 0, e), safelight_writer_declare(nullptr, "a", 0, nullptr, 0, e),
        safelight_writer_set_metadata(nullptr, "k", "v", e), safelight_writer_open(nullptr, "x", e),
        safelight_writer_set_alignment(nullptr, 8, e), safelight_writer_set_durable(nullptr, 1, e),
        safelight_writer_write(nullptr, "a", 0, "x", 1, e), safelight_writer_finish(nullptr, e)}) {
    EXPECT_EQ(status, SAFELIGHT_USAGE);
  }
  EXPECT_THAT(message(), HasSubstr("NULL"));
  EXPECT_EQ(safelight_open(nullptr, nullptr, nullptr, nullptr), SAFELIGHT_USAGE);
  EXPECT_EQ(safelight_tensor_count(nullptr), 0u);
  EXPECT_EQ(safelight_tensor_at(nullptr, 0), nullptr);
  EXPECT_EQ(safelight_tensor_name(nullptr, nullptr), nullptr);
  EXPECT_EQ(safelight_array_data(nullptr), nullptr);
  EXPECT_EQ(safelight_metadata_find(nullptr, "k", nullptr), nullptr);
  EXPECT_STREQ(safelight_error_message(nullptr), "");
  safelight_close(nullptr), safelight_array_free(nullptr), safelight_error_free(nullptr), safelight_options_free(nullptr);
  safelight_verdict_free(nullptr), safelight_writer_free(nullptr), safelight_options_set_compat(nullptr, 1);
}

// Lets memory run out at every allocation of a call in turn: each time the call says so and changes nothing.
template <class Call>
void expect_out_of_memory_everywhere(safelight_error* error, Call call) {
  for (int at = 0; at < 10'000; ++at) {
    std::optional<FailingMemory> memory(at);
    const safelight_status status = call();
    const bool failed = memory->failed();
    memory.reset();
    if (!failed) {
      EXPECT_EQ(status, SAFELIGHT_OK) << safelight_error_message(error);
      EXPECT_GT(at, 0) << "the call allocates nothing: the test proves nothing";
      return;
    }
    ASSERT_EQ(status, SAFELIGHT_LIMIT) << "allocation " << at << ": " << safelight_error_message(error);
    ASSERT_STREQ(safelight_error_message(error), "out of memory");
  }
  FAIL() << "the call still allocates";
}

TEST_F(Capi, MemoryThatRunsOutWhileReading) {
  safelight_file* opened = nullptr;
  expect_out_of_memory_everywhere(error_.get(), [&] {
    return safelight_open_memory(kBytes.data(), kBytes.size(), nullptr, &opened, error_.get());
  });
  const Owned<safelight_file> file(opened);
  safelight_array* array = nullptr;
  expect_out_of_memory_everywhere(error_.get(), [&] {
    return safelight_slice(opened, safelight_tensor_at(opened, 0), "::2, 0", &array, error_.get());
  });
  safelight_array_free(array);
}

TEST_F(Capi, MemoryThatRunsOutWhileWriting) {
  const std::string path = folder_ / "w";
  const Owned<safelight_writer> writer(safelight_writer_new());
  const std::uint64_t shape[] = {4};
  expect_out_of_memory_everywhere(error_.get(), [&] {
    return safelight_writer_declare(writer.get(), "a name beyond any small string", SAFELIGHT_U8, shape, 1, error_.get());
  });
  expect_out_of_memory_everywhere(
      error_.get(), [&] { return safelight_writer_open(writer.get(), path.c_str(), error_.get()); });
  EXPECT_EQ(safelight_writer_write(writer.get(), "a name beyond any small string", 0, "1234", 4, error_.get()),
            SAFELIGHT_OK)
      << message();
  EXPECT_EQ(safelight_writer_finish(writer.get(), error_.get()), SAFELIGHT_OK) << message();
}

TEST_F(Capi, ErrorsWithoutMemoryForTheirMessage) {
  safelight_file* file = nullptr;
  std::optional<FailingMemory> memory(0);
  const safelight_status status = safelight_open("none", nullptr, &file, error_.get());
  const void* const made[] = {safelight_error_new(), safelight_writer_new(), safelight_options_new()};
  memory.reset();
  EXPECT_EQ(status, SAFELIGHT_LIMIT);
  EXPECT_STREQ(safelight_error_message(error_.get()), "out of memory");
  EXPECT_THAT(made, testing::Each(nullptr));
}

}  // namespace
