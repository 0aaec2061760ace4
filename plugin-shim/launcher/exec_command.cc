// `hearth exec`: this process stands for the command. It has the same descriptors, directory,
// environment and signals, ends alike, and takes the command with it when it is killed. It says
// nothing of its own: what a test prints is looked at.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "plugin-shim/client/command_connection.h"
#include "plugin-shim/client/forwarded_signals.h"
#include "plugin-shim/client/locations.h"
#include "plugin-shim/client/process_context.h"
#include "plugin-shim/client/this_process.h"
#include "plugin-shim/launcher/commands.h"

namespace hearth::launcher {
namespace {

constexpr std::uint64_t kNumber = 1;  // of the only command
constexpr int kNotFound = 127;
constexpr int kNotExecutable = 126;  // both as shells say it

// What the command would inherit: those that are not closed on exec.
std::vector<int> inherited_descriptors() {
  std::vector<int> numbers;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return numbers;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    const int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) numbers.push_back(fd);
  }
  closedir(directory);
  return numbers;
}

std::optional<std::vector<protocol::Fd>> duplicates(const std::vector<int>& numbers) {
  std::vector<protocol::Fd> copies;
  for (const int number : numbers) {
    copies.emplace_back(fcntl(number, F_DUPFD_CLOEXEC, 3));
    if (!copies.back()) return std::nullopt;
  }
  return copies;
}

// As execvp finds it; empty: nowhere.
std::string find_program(const std::string& name) {
  if (name.find('/') == std::string::npos) return client::find_on_path(name).string();
  std::error_code error;
  // The kernel's way: links and dots as they are.
  const auto path = std::filesystem::absolute(name, error);
  return error || !client::is_executable(path) ? std::string() : path.string();
}

int run_plainly(std::vector<std::string> words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  return complain("cannot start " + words[0] + ": " + std::strerror(errno),
                  errno == ENOENT ? kNotFound : kNotExecutable);
}

// Whether there is a daemon now. Its own words are nobody's here.
bool start_daemon() {
  std::string hearth = (client::executable_directory() / "hearth").string();
  std::array<char, 6> start{"start"};
  std::array<char*, 3> words{hearth.data(), start.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int stream = 0; stream <= 2; ++stream)
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, hearth.c_str(), &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (error != 0) return false;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

tl::expected<client::CommandConnection, client::Failure> connect(
    const protocol::ProcessSpec& spec) {
  const auto endpoints = protocol::locate_endpoints();
  if (!endpoints)
    return tl::unexpected(client::Failure{client::FailureKind::trouble, endpoints.error()});
  auto connection = client::CommandConnection::open(*endpoints, spec);
  if (connection || connection.error().kind != client::FailureKind::no_daemon || !start_daemon())
    return connection;
  return client::CommandConnection::open(*endpoints, spec);
}

// For people.
std::vector<std::string> as_typed(const std::vector<std::string>& words) {
  std::vector<std::string> typed{"exec", "--"};
  typed.insert(typed.end(), words.begin(), words.end());
  return typed;
}

void pass_on(client::CommandConnection& connection, client::ForwardedSignals& signals) {
  while (const int signal = signals.take()) {
    if (signal == SIGTSTP) {
      connection.signal(kNumber, SIGSTOP, true);
      if (client::ForwardedSignals::stop_this_process()) continue;
      connection.signal(kNumber, SIGCONT, true);
    } else {
      connection.signal(kNumber, signal, signal == SIGCONT);
    }
  }
}

// Its raw wait status; nothing: it was not executed.
std::optional<int> await_end(client::CommandConnection& connection,
                             client::ForwardedSignals& signals) {
  for (;;) {
    const auto wanted = static_cast<short>(POLLIN | (connection.wants_write() ? POLLOUT : 0));
    std::array<pollfd, 2> polled{{{connection.fd(), wanted, 0}, {signals.fd(), POLLIN, 0}}};
    if (poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[1].revents != 0) pass_on(connection, signals);
    if ((polled[0].revents & POLLOUT) != 0) connection.on_writable();
    if ((polled[0].revents & ~POLLOUT) == 0) continue;
    const auto answers = connection.take();
    if (!answers) {
      // A daemon that does not know such commands, or does not want this one.
      if (answers.error().kind == client::FailureKind::refused) return std::nullopt;
      // No exit code that somebody could expect: a test may be meant to fail.
      complain(answers.error().message + ": the command did not come to its end");
      return SIGKILL;
    }
    for (const auto& answer : *answers) {
      if (const auto* exited = std::get_if<protocol::CommandExited>(&answer))
        return static_cast<int>(exited->wait_status);
      return std::nullopt;
    }
  }
}

}  // namespace

int exec(std::vector<std::string> words) {
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  if (words.empty()) return complain("execute what? (`hearth exec -- COMMAND …`)", kUsage);
  const auto numbers = inherited_descriptors();
  const std::string program = find_program(words.front());
  std::error_code error;
  const auto directory = std::filesystem::current_path(error).string();
  if (program.empty() || error || numbers.size() > protocol::limits::descriptors)
    return run_plainly(std::move(words));
  const protocol::ProcessSpec spec{.python = {},
                                   .script = {},
                                   .sys_path = {},
                                   .args = as_typed(words),
                                   .directory = directory,
                                   .environment = client::current_environment(),
                                   .umask = client::current_umask(),
                                   .context = client::current_process_context()};
  auto connection = connect(spec);
  auto copies = duplicates(numbers);
  if (!connection || !copies || !client::difference_from(connection->daemon_pid()).empty())
    return run_plainly(std::move(words));

  client::ForwardedSignals signals;
  protocol::StartCommand order{.number = kNumber,
                               .program = program,
                               .argv = words,
                               .directory = {},
                               .has_environment = false,
                               .environment = {},
                               .descriptors = {numbers.begin(), numbers.end()}};
  connection->start(std::move(order), std::move(*copies));
  if (const auto wait_status = await_end(*connection, signals)) client::end_like(*wait_status);
  signals.give_back();
  return run_plainly(std::move(words));
}

}  // namespace hearth::launcher
