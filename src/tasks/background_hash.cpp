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
    : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
      failed_(!file_),
      buffer_(kPiece),
      thread_([this](const std::stop_token& stop) {
        const sched_param none{};
        pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);  // where that is refused, merely less polite
        while (!stop.stop_requested() && hash_piece()) {
        }
      }) {}

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
    thread_.join();
  }
  while (hash_piece()) context.check_cancelled();
  if (finished_ && hex_.empty()) hex_ = sha256_.hex();
  return hex_;
}

}  // namespace safelight
