#include "plugin-shim/ctest/local_executor.h"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>

#include "plugin-shim/ctest/words.h"
#include "protocol/ignored_signals.h"
#include "protocol/process_tree.h"

namespace hearth::ctest {
namespace {

// A child that is made meanwhile may only run there; none: nothing changes.
class Processors {
 public:
  explicit Processors(const std::vector<unsigned>& wanted) {
    if (wanted.empty() || sched_getaffinity(0, sizeof before_, &before_) != 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned processor : wanted) CPU_SET(processor, &set);
    is_changed_ = sched_setaffinity(0, sizeof set, &set) == 0;
  }
  ~Processors() {
    if (is_changed_) sched_setaffinity(0, sizeof before_, &before_);
  }
  Processors(const Processors&) = delete;
  Processors& operator=(const Processors&) = delete;

 private:
  cpu_set_t before_{};
  bool is_changed_ = false;
};

// What a child gets that says nothing else: no signal blocked, and each at its default but for what
// ctest leaves alone.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    // Not by sigfillset(), which leaves out what the C library keeps to itself: a child would then
    // ignore it.
    sigset_t defaults = none;
    const std::uint64_t bits = ~(protocol::ignored_signals() & kSignalsLeftAlone);
    std::memcpy(&defaults, &bits, sizeof bits);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

}  // namespace

LocalExecutor::LocalExecutor() {
  // Ignored, as a parent may have had it, no child would ever be seen to end.
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGCHLD);
  pthread_sigmask(SIG_BLOCK, &only, &mask_before_);
  exits_ = protocol::Fd(signalfd(-1, &only, SFD_CLOEXEC | SFD_NONBLOCK));
}

LocalExecutor::~LocalExecutor() {
  for (const auto& [number, pid] : running_) protocol::signal_tree(pid, SIGKILL);
  for (const auto& [number, pid] : running_) {
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void LocalExecutor::start(CommandNumber number, const Command& command) {
  pid_t pid = -1;
  const int trouble = spawn(command, pid);
  if (trouble != 0) {
    not_started_.emplace_back(NotStarted{number, std::strerror(trouble)});
    ::kill(getpid(), SIGCHLD);  // so that fd() says so
    return;
  }
  running_.emplace(number, pid);
}

int LocalExecutor::spawn(const Command& command, pid_t& pid) {
  static const Attributes attributes;
  const Processors processors(command.processors);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, command.output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, command.output, STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&actions, command.directory.c_str());
  const std::vector<char*> variables =
      command.environment ? pointers_to(*command.environment) : std::vector<char*>();
  char* const* const environment = command.environment ? variables.data() : environ;
  const auto spawn_argv = [&](const std::vector<std::string>& argv) {
    const std::vector<char*> words = pointers_to(argv);
    return posix_spawn(&pid, argv[0].c_str(), &actions, attributes.get(), words.data(),
                       environment);
  };
  int trouble = spawn_argv(command.argv);
  if (trouble == ENOEXEC) {  // a script that does not say whose: execvp(3) gives it to the shell
    std::vector<std::string> script{"/bin/sh"};
    script.insert(script.end(), command.argv.begin(), command.argv.end());
    trouble = spawn_argv(script);
  }
  posix_spawn_file_actions_destroy(&actions);
  return trouble;
}

void LocalExecutor::signal(CommandNumber number, int signal) {
  if (const auto found = running_.find(number); found != running_.end())
    ::kill(found->second, signal);
}

void LocalExecutor::kill(CommandNumber number) {
  if (const auto found = running_.find(number); found != running_.end())
    protocol::signal_tree(found->second, SIGKILL);
}

std::vector<CommandEnded> LocalExecutor::take_ended() {
  signalfd_siginfo info{};
  while (read(exits_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
  }
  std::vector<CommandEnded> ended;
  ended.swap(not_started_);
  for (auto running = running_.begin(); running != running_.end();) {
    int wait_status = 0;
    if (waitpid(running->second, &wait_status, WNOHANG) == running->second) {
      ended.emplace_back(Exited{running->first, wait_status});
      running = running_.erase(running);
    } else {
      ++running;
    }
  }
  return ended;
}

}  // namespace hearth::ctest
