// The half of `./run bench format` that is ours: bench/format.py asks, one line per question (words apart by tabs), and
// gets one line of JSON per answer. All work is done by two threads, as that bench wants; times are seconds.
//
//   make PATH TENSORS ROWS COLUMNS   writes a file of F32 tensors, so that it is in the page cache
//   open PATH                        opens and validates it, and closes it again
//   read PATH                        reads every byte into fresh memory
//   copy PATH                        the same by memcpy out of a mapping; and between memory that is there already
//   slice PATH TENSOR SLICE          reads a part of a tensor
//   hold BYTES                       keeps that much in memory, for the next three
//   save PATH 0|1                    writes it, flushed to the disk or not
//   cast | stat                      casts it to F16; its statistics; in pieces of 4 MB
//   memory                           only reads it: the bandwidth that the last two are measured by
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/json_text.h"
#include "core/mapped_file.h"
#include "safelight/cast.h"
#include "safelight/error.h"
#include "safelight/read.h"
#include "safelight/slice.h"
#include "safelight/statistics.h"
#include "safelight/writer.h"

namespace safelight {
namespace {

using Words = std::vector<std::string>;

constexpr int kThreads = 2;
constexpr std::int64_t kPiece = std::int64_t{1} << 20;  // elements

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// work(task) for every task, on two threads.
void on_two_threads(std::int64_t tasks, const std::function<void(std::int64_t)>& work) {
  std::atomic<std::int64_t> next{0};
  const auto run = [&] {
    for (std::int64_t task; (task = next++) < tasks;) work(task);
  };
  std::thread other(run);
  run();
  other.join();
}

// Values from 2^-7 to 2^-6 of both signs, without a pattern.
Tensor random_floats(Shape shape, std::uint32_t seed) {
  Tensor t = Tensor::allocate(DType::F32, std::move(shape));
  auto* bits = reinterpret_cast<std::uint32_t*>(t.mutable_data());
  for (std::int64_t i = 0; i < t.elements(); ++i) {
    seed = seed * 1664525u + 1013904223u;
    bits[i] = (seed & 0x807FFFFFu) | 0x3C000000u;
  }
  return t;
}

// The words of the question after its first.
std::int64_t number(const Words& words, std::size_t index) { return std::stoll(words.at(index)); }

std::string make(const Words& words) {
  const Shape shape{number(words, 3), number(words, 4)};
  std::vector<PendingTensor> tensors;
  for (std::int64_t i = 0; i < number(words, 2); ++i)
    tensors.push_back({fmt::format("model.layers.{}.mlp.experts.{}.down_proj.weight", i / 128, i % 128), DType::F32,
                       shape, [shape, i] { return random_floats(shape, static_cast<std::uint32_t>(i)); }});
  save(words.at(1), tensors, {}, {.durable = true}, {.threads = kThreads});
  return "{}";
}

std::string open(const Words& words) {
  std::size_t tensors = 0;
  const double seconds = seconds_of([&] { tensors = SafeTensors::open(words.at(1)).tensors().size(); });
  return fmt::format(R"({{"seconds":{},"tensors":{}}})", seconds, tensors);
}

std::string read(const Words& words) {
  std::vector<Tensor> tensors;
  ReadReport report;
  const double seconds =
      seconds_of([&] { tensors = read_tensors(SafeTensors::open(words.at(1)), {}, {.threads = kThreads}, &report); });
  return fmt::format(R"({{"seconds":{},"bytes":{},"strategy":"{}","reason":{}}})", seconds, report.bytes,
                     name(report.strategy), json_string(report.reason));
}

void copy_on_two_threads(std::span<const std::byte> from, std::byte* to) {
  const std::size_t half = from.size() / 2;
  on_two_threads(kThreads, [&](std::int64_t part) {
    const std::size_t begin = part == 0 ? 0 : half;
    std::memcpy(to + begin, from.data() + begin, part == 0 ? half : from.size() - half);
  });
}

std::string copy(const Words& words) {
  Tensor to;
  std::shared_ptr<const MappedFile> file;
  const double fresh = seconds_of([&] {
    file = MappedFile::open(words.at(1));
    to = Tensor::allocate(DType::U8, {static_cast<std::int64_t>(file->bytes().size())});
    copy_on_two_threads(file->bytes(), to.mutable_data());
  });
  const double warm = seconds_of([&] { copy_on_two_threads(file->bytes(), to.mutable_data()); });
  return fmt::format(R"({{"seconds":{},"warm_seconds":{}}})", fresh, warm);
}

// What this process has had read from a disk, or -1 if the system does not say.
std::int64_t bytes_from_disk() {
  std::ifstream io("/proc/self/io");
  std::string key;
  for (std::int64_t value; io >> key >> value;)
    if (key == "read_bytes:") return value;
  return -1;
}

std::string slice_of(const Words& words) {
  ReadReport report;
  Tensor part;
  const std::int64_t before = bytes_from_disk();
  const double seconds = seconds_of([&] {
    part = slice(SafeTensors::open(words.at(1)), words.at(2), parse_slices(words.at(3)), {}, {.threads = kThreads},
                 &report);
  });
  const std::int64_t after = bytes_from_disk();
  double sum = 0;
  for (const float v : part.floats()) sum += v;
  return fmt::format(R"({{"seconds":{},"bytes":{},"bytes_read":{},"from_disk":{},"strategy":"{}","sum":{}}})", seconds,
                     report.bytes, report.bytes_read, after - before, name(report.strategy), sum);
}

// What `hold` keeps.
std::vector<Tensor> held;

std::string hold(const Words& words) {
  constexpr std::int64_t kBytes = std::int64_t{64} << 20;  // of one tensor
  held.clear();
  for (std::int64_t left = number(words, 1); left > 0; left -= kBytes)
    held.push_back(random_floats({std::min(left, kBytes) / 4}, static_cast<std::uint32_t>(left)));
  return "{}";
}

std::string save_held(const Words& words) {
  std::vector<PendingTensor> tensors;
  for (const Tensor& t : held)
    tensors.push_back({fmt::format("t{}", tensors.size()), t.dtype(), t.shape(), [&t] { return t; }});
  const double seconds =
      seconds_of([&] { save(words.at(1), tensors, {}, {.durable = number(words, 2) != 0}, {.threads = kThreads}); });
  return fmt::format(R"({{"seconds":{}}})", seconds);
}

// Pieces that stay what they are part of alive.
std::vector<Tensor> pieces_of_held() {
  std::vector<Tensor> pieces;
  for (const Tensor& t : held)
    for (std::int64_t begin = 0; begin < t.elements(); begin += kPiece)
      pieces.push_back({DType::F32,
                        {std::min(kPiece, t.elements() - begin)},
                        std::shared_ptr<const std::byte>(std::make_shared<Tensor>(t), t.data() + 4 * begin)});
  return pieces;
}

std::string timed(double seconds) {
  std::size_t bytes = 0;
  for (const Tensor& t : held) bytes += t.bytes();
  return fmt::format(R"({{"seconds":{},"bytes":{}}})", seconds, bytes);
}

std::string cast_held(const Words&) {
  const std::vector<Tensor> pieces = pieces_of_held();
  return timed(seconds_of([&] {
    on_two_threads(std::ssize(pieces), [&](std::int64_t i) { cast(pieces[static_cast<std::size_t>(i)], DType::F16); });
  }));
}

std::string stat_held(const Words&) {
  const std::vector<Tensor> pieces = pieces_of_held();
  return timed(seconds_of([&] { statistics(pieces, {}, {.threads = kThreads}); }));
}

std::string memory(const Words&) {
  const std::vector<Tensor> pieces = pieces_of_held();
  std::atomic<std::uint64_t> sum{0};  // used, so that the reading is not left out
  const double seconds = seconds_of([&] {
    on_two_threads(std::ssize(pieces), [&](std::int64_t i) {
      const Tensor& t = pieces[static_cast<std::size_t>(i)];
      const std::span<const std::uint64_t> piece(reinterpret_cast<const std::uint64_t*>(t.data()), t.bytes() / 8);
      std::uint64_t part = 0;
      for (const std::uint64_t word : piece) part ^= word;
      sum ^= part;
    });
  });
  return sum == 0 ? "{}" : timed(seconds);
}

const std::map<std::string, std::string (*)(const Words&), std::less<>> kQuestions = {
    {"make", make}, {"open", open},      {"read", read},      {"copy", copy},      {"slice", slice_of},
    {"hold", hold}, {"save", save_held}, {"cast", cast_held}, {"stat", stat_held}, {"memory", memory}};

std::string answer(const std::string& line) {
  Words words;
  std::istringstream stream(line);
  for (std::string word; std::getline(stream, word, '\t');) words.push_back(word);
  try {
    return kQuestions.at(words.at(0))(words);
  } catch (const std::exception& e) {
    return fmt::format(R"({{"error":{}}})", json_string(e.what()));
  }
}

}  // namespace
}  // namespace safelight

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << safelight::answer(line) << std::endl;
}
