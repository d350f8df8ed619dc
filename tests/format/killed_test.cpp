// Processes that are killed at random moments of saving and editing: the old file or the new one remains.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "format/saved_letters.h"
#include "safelight/content_hash.h"
#include "safelight/edit_metadata.h"
#include "support/temporary_folder.h"

namespace safelight {
namespace {

using test::save_named;
using test::TemporaryFolder;
using test::tensors_of;

// How often a process is killed at a random moment; SAFELIGHT_KILL_ROUNDS=200 for a thorough look.
int kill_rounds() {
  const char* text = std::getenv("SAFELIGHT_KILL_ROUNDS");
  return text ? std::atoi(text) : 20;
}

// Runs `loop` in child processes that are killed at random moments, and `inspect` after each. The child's loop begins
// once `ready` is there.
template <class Loop, class Inspect>
void kill_at_random(const std::filesystem::path& ready, Loop loop, Inspect inspect) {
  std::mt19937 random(7);
  for (int round = 0; round < kill_rounds(); ++round) {
    std::filesystem::remove(ready);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      test::write_file(ready, "");
      for (;;) loop();
    }
    while (!std::filesystem::exists(ready)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    inspect();
  }
}

TEST(Killed, WhileSaving) {
  const TemporaryFolder folder, apart;
  const SaveOptions hashes = {.hashes = true};
  save_named(folder / "m", "ab", hashes);
  kill_at_random(
      apart / "ready",
      [&] {
        save(folder / "m", tensors_of("abc", 300'000), {}, hashes, {.threads = 2});
        save_named(folder / "m", "ab", hashes);
      },
      [&] { EXPECT_TRUE(verify(SafeTensors::open(folder / "m")).matches); });
}

TEST(Killed, WhileSavingASet) {
  const TemporaryFolder folder, apart;
  const auto save_set = [&](const std::string& names) {
    save_named(folder / "m", names, {.hashes = true, .shard_bytes = 20'000});
  };
  save_set("abc");
  kill_at_random(
      apart / "ready",
      [&] {
        save_set("xyz");
        save_set("abc");
      },
      [&] {
        std::string names;
        for (const char* shard : {"m-00001-of-00003", "m-00002-of-00003", "m-00003-of-00003"}) {
          if (!std::filesystem::exists(folder / shard)) continue;
          const SafeTensors file = SafeTensors::open(folder / shard);
          EXPECT_TRUE(verify(file).matches);
          names += file.tensors()[0].name;
        }
        EXPECT_TRUE(std::string_view("abc").starts_with(names) || std::string_view("xyz").starts_with(names)) << names;
        if (std::filesystem::exists(folder / "m.index.json")) {
          EXPECT_EQ(names.size(), 3u);
        }
      });
}

TEST(Killed, WhileEditing) {
  const TemporaryFolder folder, apart;
  const auto edit = [&](char value) {
    edit_metadata(folder / "m", {.set = {{"k", std::string(20'000, value)}}}, {.durable = false});
  };
  save_named(folder / "m", "ab", {.metadata_slack = 30'000, .hashes = true});
  edit('1');
  kill_at_random(
      apart / "ready",
      [&] {
        edit('2');
        edit('1');
      },
      [&] {
        const SafeTensors file = SafeTensors::open(folder / "m");
        const std::string& value = file.metadata().at("k");
        EXPECT_TRUE(value == std::string(20'000, '1') || value == std::string(20'000, '2'));
        EXPECT_TRUE(verify(file).matches);
        EXPECT_EQ(folder.files(), 1u);
      });
}

}  // namespace
}  // namespace safelight
