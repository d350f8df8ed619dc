#include "tasks/background_hash.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>

#include <cerrno>

namespace safelight {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;  // 3 ms of work: how long a stop may take

}  // namespace

BackgroundHash::BackgroundHash(const std::filesystem::path& path)
    : path_(path),
      file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
      failed_(!file_),
      buffer_(kPiece),
      thread_([this](const std::stop_token& stop) {
        const sched_param none{};
        pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);  // where that is refused, merely less polite
        look_up();
        while (!stop.stop_requested() && hash_piece()) {
        }
      }) {}

void BackgroundHash::look_up() {
  if (failed_) return;
  stamp_ = stamp_of(file_.get(), path_);
  if (const std::optional<FileHashes> cached = stamp_ ? cached_hashes(*stamp_) : std::nullopt) {
    hex_ = cached->sha256;
    finished_ = true;
  }
}

void BackgroundHash::remember() const {
  if (stamp_ && stamp_of(file_.get(), path_) == stamp_)
    cache_hashes(*stamp_, {.sha256 = hex_, .autov1 = {}, .autov2 = {}, .data_sha256 = {}, .autov3 = {}, .content = {}});
}

bool BackgroundHash::hash_piece() {
  if (failed_ || finished_) return false;
  const ssize_t bytes = ::pread(file_.get(), buffer_.data(), buffer_.size(), static_cast<off_t>(offset_));
  if (bytes < 0) {
    failed_ = errno != EINTR;
    return !failed_;
  }
  sha256_.update({buffer_.data(), static_cast<std::size_t>(bytes)});
  offset_ += static_cast<std::uint64_t>(bytes);
  finished_ = bytes == 0;
  return !finished_;
}

const std::string& BackgroundHash::hex(const Context& context) {
  if (thread_.joinable()) {
    thread_.request_stop();
    // Somebody waits now: on a busy machine an idle thread might not finish its piece for seconds.
    const sched_param none{};
    pthread_setschedparam(thread_.native_handle(), SCHED_OTHER, &none);
    thread_.join();
  }
  while (hash_piece()) context.check_cancelled();
  if (finished_ && hex_.empty()) {
    hex_ = sha256_.hex();
    remember();
  }
  return hex_;
}

}  // namespace safelight
