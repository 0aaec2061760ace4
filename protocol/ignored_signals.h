// The signals that a process ignores: by the kernel's own call, since sigaction(2) of the C library
// refuses the signals 32 and 33. Parents set these, too: below a posix_spawn(3), which make(1)
// uses, they are ignored in every process.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace hearth::protocol {

// The kernel's layout (arch/x86/include/uapi/asm/signal.h, arm64's is the same).
struct KernelSigaction {
  void (*handler)(int) = SIG_DFL;
  unsigned long flags = 0;
  void (*restorer)() = nullptr;
  std::uint64_t mask = 0;
};

// Bit number N-1 for signal N.
inline std::uint64_t ignored_signals() {
  std::uint64_t ignored = 0;
  for (int signal = 1; signal < NSIG; ++signal) {
    KernelSigaction action;
    if (syscall(SYS_rt_sigaction, signal, nullptr, &action, sizeof action.mask) == 0 &&
        action.handler == SIG_IGN)
      ignored |= std::uint64_t{1} << (signal - 1);
  }
  return ignored;
}

inline void ignore(int signal) {
  const KernelSigaction action{.handler = SIG_IGN};
  syscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof action.mask);
}

}  // namespace hearth::protocol
