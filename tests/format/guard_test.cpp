// A file that is truncated while it is mapped.
#include "safelight/guard.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include "core/atomic_file.h"
#include "core/mapping_guard.h"
#include "safelight/content_hash.h"
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

// One that came after us and passes on what it does not know keeps ours behind it: the next guard works through it.
TEST_F(GuardTest, AHandlerThatPassesOnToOurs) {
  write("f");
  write("g");
  const SafeTensors f = SafeTensors::open(folder_ / "f"), g = SafeTensors::open(folder_ / "g");
  std::filesystem::resize_file(folder_ / "f", 0);
  std::filesystem::resize_file(folder_ / "g", 0);
  static struct sigaction ours {};
  const auto install = [] {
    struct sigaction action {};
    action.sa_sigaction = [](int number, siginfo_t* info, void* context) { ours.sa_sigaction(number, info, context); };
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &action, &ours);
  };
  for (const bool guarded : {true, false})
    EXPECT_EQ(ends_with([&] {
                {
                  const MappingGuard guard(f);
                  install();
                }
                const MappingGuard guard(f);
                sum(guarded ? f : g);
              }),
              guarded ? 0 : SIGBUS);
}

// As a program does that guards all it maps: nothing made from lost bytes is put in its place.
TEST_F(GuardTest, WithAllMappingsGuardedNoFileIsCommittedAfterALoss) {
  write("f");
  const auto lose = [&] {
    static bool told = false;
    guard_all_mappings([]() noexcept { told = true; });
    std::optional<SafeTensors> file = SafeTensors::open(folder_ / "f");
    check_all_mappings();
    std::filesystem::resize_file(folder_ / "f", 0);
    if (sum(*file) != 0 || !told) ::_exit(1);
    file.reset();  // a closed one counts, too
    try {
      AtomicFile(folder_ / "out").commit();
    } catch (const Error& e) {
      const bool right = e.category() == ErrorCategory::io && std::strstr(e.what(), "lost its bytes from offset 0");
      ::_exit(right && !std::filesystem::exists(folder_ / "out") ? 7 : 2);
    }
    ::_exit(3);
  };
  EXPECT_EQ(ends_with(lose), -7);
  EXPECT_EQ(folder_.files(), 1u) << "not even a temporary file";
}

TEST_F(GuardTest, BytesInMemoryNeedNone) {
  write("f");
  const std::string bytes = test::read_file(folder_ / "f");
  const MappingGuard guard(SafeTensors::parse(std::as_bytes(std::span(bytes))));
  guard.check();
}

TEST_F(GuardTest, HashingHasItsOwn) {
  write("f");
  const SafeTensors file = SafeTensors::open(folder_ / "f");
  std::filesystem::resize_file(folder_ / "f", 0);
  EXPECT_ERROR(content_hash(file), io, "lost its bytes from offset 0");
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
