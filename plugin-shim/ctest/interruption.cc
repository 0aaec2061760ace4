#include "plugin-shim/ctest/interruption.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace hearth::ctest {

Interruption::Interruption() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_IGN) sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  fd_ = protocol::Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

int Interruption::take() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

void Interruption::die_of(int signal) {
  std::signal(signal, SIG_DFL);
  raise(signal);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);  // here it acts
  constexpr int kAsShellsSay = 128;
  _exit(kAsShellsSay + signal);
}

}  // namespace hearth::ctest
