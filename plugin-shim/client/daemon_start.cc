#include "plugin-shim/client/daemon_start.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "plugin-shim/client/state_directory.h"
#include "protocol/fd.h"

namespace hearth::client {
namespace {

using protocol::Fd;
using Clock = std::chrono::steady_clock;

constexpr int kReadyFd = 3;

Failure trouble(std::string message) {
  return {FailureKind::trouble, std::move(message) + " (its log: " + log_file().string() + ")"};
}

// From here to execve only what is safe after a fork in a program with threads: the caller may be a
// Python process.
[[noreturn]] void become_daemon(const char* program, char* const* arguments,
                                char* const* environment, int ready, int null) {
  // Descriptors 0 to 3 are overwritten below, so the two that are needed must be out of the way.
  ready = fcntl(ready, F_DUPFD, kReadyFd + 1);
  null = fcntl(null, F_DUPFD, kReadyFd + 1);
  for (int stream = 0; stream < kReadyFd; ++stream) dup2(null, stream);
  dup2(ready, kReadyFd);
  close_range(kReadyFd + 1, ~0U, 0);
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  umask(077);
  if (chdir("/") == 0) execve(program, arguments, environment);
  constexpr std::string_view text = "error: it cannot be executed\n";
  [[maybe_unused]] const ssize_t written = write(kReadyFd, text.data(), text.size());
  _exit(127);
}

// The first line that arrives; empty: closed without one. Not set: the deadline has passed.
tl::expected<std::string, bool> read_line(const Fd& pipe, Clock::time_point until) {
  std::string line;
  std::array<char, 512> buffer{};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd ready{pipe.get(), POLLIN, 0};
    const int count = poll(&ready, 1, left > 0 ? static_cast<int>(left) : 0);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return tl::unexpected(false);
    const ssize_t size = read(pipe.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return line;
    line.append(buffer.data(), static_cast<std::size_t>(size));
    if (const std::size_t end = line.find('\n'); end != std::string::npos)
      return line.substr(0, end);
  }
}

}  // namespace

bool is_for_daemon(std::string_view entry) {
  const std::string_view name = entry.substr(0, entry.find('='));
  for (const std::string_view kept :
       {"HOME", "USER", "LOGNAME", "PATH", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"}) {
    if (name == kept) return true;
  }
  return name.starts_with("HEARTH_") || name.ends_with("SAN_OPTIONS");
}

tl::expected<void, Failure> start_daemon(const std::filesystem::path& daemon,
                                         std::chrono::milliseconds deadline) {
  const Clock::time_point until = Clock::now() + deadline;
  std::string program = daemon.string();
  std::string option = "--ready-fd";
  std::string number = std::to_string(kReadyFd);
  std::array<char*, 4> arguments{program.data(), option.data(), number.data(), nullptr};
  std::vector<char*> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    if (is_for_daemon(*entry)) environment.push_back(*entry);
  }
  environment.push_back(nullptr);

  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return tl::unexpected(trouble(std::string("cannot make a pipe: ") + std::strerror(errno)));
  }
  const Fd ready(ends[0]);
  Fd ready_end(ends[1]);
  Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return tl::unexpected(trouble("cannot open /dev/null"));

  // Twice, so that the daemon is nobody's child: the caller may wait for all of its own.
  const pid_t middle = fork();
  if (middle == 0) {
    setsid();
    const pid_t daemon_pid = fork();
    if (daemon_pid == 0) {
      become_daemon(program.c_str(), arguments.data(), environment.data(), ready_end.get(),
                    null.get());
    }
    _exit(daemon_pid < 0 ? 1 : 0);
  }
  const int fork_error = errno;
  ready_end.reset();
  if (middle < 0) {
    return tl::unexpected(
        trouble(std::string("cannot start the daemon: ") + std::strerror(fork_error)));
  }
  int status = 0;
  while (waitpid(middle, &status, 0) < 0 && errno == EINTR) {
  }

  const auto line = read_line(ready, until);
  if (!line) {
    return tl::unexpected(
        Failure{FailureKind::timed_out,
                "the daemon did not become ready in time; see " + log_file().string()});
  }
  if (*line == "ready") return {};
  if (line->starts_with("error: ")) {
    return tl::unexpected(trouble("the daemon " + program + " did not start: " + line->substr(7)));
  }
  return tl::unexpected(trouble("the daemon " + program + " ended while it was starting"));
}

}  // namespace hearth::client
