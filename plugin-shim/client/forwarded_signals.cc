#include "plugin-shim/client/forwarded_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <string_view>
#include <utility>

namespace hearth::client {
namespace {

constexpr int kInterrupted = 2;  // pytest's exit code

// Of a fault of this process itself, of its own children and pipes, and of reading the terminal
// from the background.
constexpr int kLeftAlone[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS,
                              SIGXCPU, SIGXFSZ, SIGCHLD, SIGPIPE, SIGTTIN, SIGTTOU};

sigset_t forwarded() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int signal : kLeftAlone) sigdelset(&signals, signal);
  return signals;
}

extern "C" void say_interrupted(int) {
  constexpr std::string_view text = "\n!!! KeyboardInterrupt !!!\nno tests ran\n";
  [[maybe_unused]] const auto count = write(STDOUT_FILENO, text.data(), text.size());
  _exit(kInterrupted);
}

}  // namespace

ForwardedSignals::ForwardedSignals() {
  const sigset_t signals = forwarded();
  pthread_sigmask(SIG_BLOCK, &signals, &before_);
  fd_ = protocol::Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

int ForwardedSignals::take() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
  const auto signal = static_cast<int>(info.ssi_signo);
  taken_.push_back(signal);
  return signal;
}

void ForwardedSignals::give_back() {
  fd_.reset();
  for (const int signal : taken_) raise(signal);  // stays pending while it is blocked
  taken_.clear();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::vector<int> ForwardedSignals::settle() { return std::exchange(taken_, {}); }

void ForwardedSignals::let_act(int signal) {
  raise(signal);  // stays pending while it is blocked
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);  // here it acts
  pthread_sigmask(SIG_BLOCK, &only, nullptr);
}

bool ForwardedSignals::stop_this_process() {
  std::signal(SIGTSTP, SIG_DFL);
  let_act(SIGTSTP);  // here it stops, and goes on
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, SIGCONT) == 1;
}

void end_on_early_interrupt() {
  struct sigaction action {};
  sigaction(SIGINT, nullptr, &action);
  if (action.sa_handler == SIG_DFL) std::signal(SIGINT, say_interrupted);
}

}  // namespace hearth::client
