// Processes: signals, reaping, spawning.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "daemon/linux.h"

namespace hearth::daemon {

void become_subreaper() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

protocol::Fd open_signals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return protocol::Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int read_signal(const protocol::Fd& signals) {
  signalfd_siginfo info;
  if (read(signals.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

std::vector<ExitedChild> reap_children() {
  std::vector<ExitedChild> exited;
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return exited;
    exited.push_back({pid, status});
  }
}

bool is_stopped_process(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  const auto after_name = line.rfind(')');  // the name may hold blanks and parentheses
  return after_name != std::string::npos && line.compare(after_name, 3, ") T") == 0;
}

bool has_as_input(pid_t pid, const protocol::Fd& terminal) {
  struct stat input {};
  struct stat wanted {};
  const auto path = "/proc/" + std::to_string(pid) + "/fd/0";
  return isatty(terminal.get()) == 1 && fstat(terminal.get(), &wanted) == 0 &&
         stat(path.c_str(), &input) == 0 && S_ISCHR(input.st_mode) &&
         input.st_rdev == wanted.st_rdev;
}

std::vector<pid_t> descendants() {
  std::multimap<pid_t, pid_t> children;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stat(entry.path() / "stat");
    std::string line;
    std::getline(stat, line);
    const auto after_name = line.rfind(')');  // the name may hold blanks and parentheses
    if (after_name == std::string::npos) continue;
    char state = 0;
    int parent = 0;
    if (sscanf(line.c_str() + after_name + 1, " %c %d", &state, &parent) != 2) continue;
    children.emplace(static_cast<pid_t>(parent), static_cast<pid_t>(std::stol(name)));
  }
  std::vector<pid_t> found;
  std::vector<pid_t> open{getpid()};
  while (!open.empty()) {
    const auto parent = open.back();
    open.pop_back();
    for (auto [it, end] = children.equal_range(parent); it != end; ++it) {
      found.push_back(it->second);
      open.push_back(it->second);
    }
  }
  return found;
}

std::string signal_name(int signal) {
  if (const char* name = sigabbrev_np(signal)) return std::string("SIG") + name;
  return "signal " + std::to_string(signal);
}

std::string describe_wait_status(int wait_status) {
  if (WIFSIGNALED(wait_status)) return "was killed by " + signal_name(WTERMSIG(wait_status));
  return "exited with status " + std::to_string(WEXITSTATUS(wait_status));
}

tl::expected<pid_t, std::string> spawn(const SpawnRequest& request) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);

  for (int stream = 0; stream < 3; ++stream)
    posix_spawn_file_actions_adddup2(&actions, request.streams[stream], stream);
  posix_spawn_file_actions_adddup2(&actions, request.control, 3);
  posix_spawn_file_actions_addclosefrom_np(&actions, 4);
  posix_spawn_file_actions_addchdir_np(&actions, request.directory.c_str());

  sigset_t none;
  sigemptyset(&none);
  // Not sigfillset: that leaves out the two that are glibc's own, and posix_spawn has children
  // ignore what it leaves out.
  sigset_t all;
  std::memset(&all, 0xff, sizeof all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  std::vector<char*> argv;
  for (const auto& argument : request.arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (const auto& entry : request.environment) envp.push_back(const_cast<char*>(entry.c_str()));
  envp.push_back(nullptr);

  pid_t pid = 0;
  // Of this whole process, for a moment: nothing else here makes files meanwhile.
  const mode_t ours = umask(static_cast<mode_t>(request.umask));
  const int error =
      posix_spawn(&pid, request.program.c_str(), &actions, &attributes, argv.data(), envp.data());
  umask(ours);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    return tl::unexpected("cannot start " + request.program + ": " + std::strerror(error));
  return pid;
}

}  // namespace hearth::daemon
