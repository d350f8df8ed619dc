#include "cli/program.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "support/temporary_folder.h"

namespace safelight::test {
namespace {

[[noreturn]] void become_program(const std::vector<std::string>& arguments, const RunOptions& options, int out,
                                 int err) {
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  for (const std::string& variable : options.environment) putenv(const_cast<char*>(variable.c_str()));
  if (options.largest_file) {
    const rlimit limit{options.largest_file, options.largest_file};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> argv{const_cast<char*>(SAFELIGHT_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(SAFELIGHT_PROGRAM, argv.data());
  _exit(127);
}

// Reads the terminal until the program has closed it.
std::string read_terminal(int master) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t n; (n = read(master, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  return text;
}

int create(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), path);
  return fd;
}

}  // namespace

Result run(const std::vector<std::string>& arguments, const RunOptions& options) {
  const TemporaryFolder folder;
  const int out = create(folder / "out");
  int err = -1, master = -1;
  if (options.terminal) {
    const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    if (openpty(&master, &err, nullptr, nullptr, &size) != 0)
      throw std::system_error(errno, std::generic_category(), "openpty");
  } else {
    err = create(folder / "err");
  }
  const pid_t child = fork();
  if (child == 0) become_program(arguments, options, out, err);
  close(out);
  close(err);

  Result result;
  if (options.terminal) result.err = read_terminal(master);
  int status = 0;
  bool interrupted = false;
  while (waitpid(child, &status, options.interrupt_when && !interrupted ? WNOHANG : 0) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (options.interrupt_when()) {
      kill(child, SIGINT);
      interrupted = true;
    }
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = read_file(folder / "out");
  if (options.terminal)
    close(master);
  else
    result.err = read_file(folder / "err");
  return result;
}

}  // namespace safelight::test
