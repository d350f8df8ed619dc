// A file that is truncated while it is mapped.
#include "safelight/guard.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "core/mapping_guard.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::TemporaryFolder;

class GuardTest : public ::testing::Test {
 protected:
  void write(const std::string& name) {
    Tensor t = Tensor::allocate(DType::U8, {kBytes});
    std::memset(t.mutable_data(), 1, t.bytes());
    save(folder_ / name, std::vector<NamedTensor>{{"t", t}});
  }
  static std::int64_t sum(const SafeTensors& file) {
    const Tensor t = file.tensor("t");
    std::int64_t total = 0;
    for (std::size_t i = 0; i < t.bytes(); ++i) total += std::to_integer<int>(t.data()[i]);
    return total;
  }

  static constexpr std::int64_t kBytes = 100'000;
  TemporaryFolder folder_;
};

TEST_F(GuardTest, LostBytesReadAsZerosAndAreTold) {
  write("f");
  const SafeTensors file = SafeTensors::open(folder_ / "f");
  const MappingGuard guard(file);
  EXPECT_EQ(sum(file), kBytes);
  guard.check();
  std::filesystem::resize_file(folder_ / "f", 50'000);
  EXPECT_LT(sum(file), 50'000);
  EXPECT_ERROR(guard.check(), io, (folder_ / "f").native() + " lost its bytes from offset 53248 on");
  EXPECT_LT(sum(file), 50'000) << "and again";
}

// The rest of the last page reads as zeros without any signal.
TEST_F(GuardTest, BytesLostWithinTheLastPageAreTold) {
  write("f");
  const SafeTensors file = SafeTensors::open(folder_ / "f");
  const MappingGuard guard(file);
  std::filesystem::resize_file(folder_ / "f", file.file_bytes() - 1);
  EXPECT_EQ(sum(file), kBytes - 1);
  EXPECT_ERROR(guard.check(), io, "lost its bytes from offset");
}

TEST_F(GuardTest, OnAnyThread) {
  write("f");
  const SafeTensors file = SafeTensors::open(folder_ / "f");
  const MappingGuard guard(file);
  std::filesystem::resize_file(folder_ / "f", 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(sum(file), 0); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_ERROR(guard.check(), io, "offset 0");
}

// The signal that ended a child that did this.
template <class Body>
int ends_with(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGBUS, SIG_DFL);  // the sanitizer's
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

TEST_F(GuardTest, GuardsOnlyItsFileAndOnlyWhileItLives) {
  write("f");
  write("g");
  const SafeTensors f = SafeTensors::open(folder_ / "f"), g = SafeTensors::open(folder_ / "g");
  std::filesystem::resize_file(folder_ / "f", 0);
  std::filesystem::resize_file(folder_ / "g", 0);
  EXPECT_EQ(ends_with([&] {
              const MappingGuard guard(f);
              sum(f);
            }),
            0);
  EXPECT_EQ(ends_with([&] {
              const MappingGuard guard(f);
              sum(g);
            }),
            SIGBUS);
  EXPECT_EQ(ends_with([&] {
              { const MappingGuard guard(f); }
              sum(f);
            }),
            SIGBUS);
}

// The handler of the program that embeds the library gets what is not ours, and stays after us.
TEST_F(GuardTest, AHandlerThatWasThereStays) {
  write("f");
  write("g");
  const SafeTensors f = SafeTensors::open(folder_ / "f"), g = SafeTensors::open(folder_ / "g");
  std::filesystem::resize_file(folder_ / "g", 0);
  const auto install = [] { std::signal(SIGBUS, [](int) { ::_exit(42); }); };
  EXPECT_EQ(ends_with([&] {
              install();
              const MappingGuard guard(f);
              sum(g);
            }),
            -42);
  EXPECT_EQ(ends_with([&] {
              install();
              { const MappingGuard guard(f); }
              ::raise(SIGBUS);
            }),
            -42);
}

TEST_F(GuardTest, BytesInMemoryNeedNone) {
  write("f");
  const std::string bytes = test::read_file(folder_ / "f");
  const MappingGuard guard(SafeTensors::parse(std::as_bytes(std::span(bytes))));
  guard.check();
}

// The copying calls need no guard.
TEST_F(GuardTest, ReadingWithoutTheMappingIsAnErrorAlways) {
  write("f");
  const SafeTensors file = SafeTensors::open(folder_ / "f");
  std::filesystem::resize_file(folder_ / "f", 200);
  std::vector<std::byte> to(1000);
  EXPECT_ERROR(file.read(100, to), io, "ends at or before offset 200, expected 900 more bytes");
}

}  // namespace
}  // namespace safelight
