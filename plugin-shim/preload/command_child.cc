#include "plugin-shim/preload/command_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "protocol/ignored_signals.h"
#include "protocol/write_all.h"

namespace hearth::zygote {
namespace {

constexpr int this_process = 1;  // IOPRIO_WHO_PROCESS

pid_t command = 0;  // also in the processes that it forks

void set_processors(const std::vector<std::uint64_t>& numbers) {
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  for (const auto number : numbers) {
    if (number < CPU_SETSIZE) CPU_SET(number, &wanted);
  }
  if (CPU_COUNT(&wanted) > 0) sched_setaffinity(0, sizeof wanted, &wanted);
}

void set_signals(const protocol::ProcessContext& context) {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (int signal = 1; signal < NSIG; ++signal) {
    const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
    if ((context.blocked_signals & bit) != 0) sigaddset(&blocked, signal);
    if ((context.ignored_signals & bit) != 0) protocol::ignore(signal);
  }
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
}

}  // namespace

void take_over(const protocol::ProcessContext& context) {
  const auto nice = static_cast<int>(context.nice);
  if (getpriority(PRIO_PROCESS, 0) != nice) setpriority(PRIO_PROCESS, 0, nice);
  if (syscall(SYS_ioprio_get, this_process, 0) != static_cast<long>(context.io_priority))
    syscall(SYS_ioprio_set, this_process, 0, static_cast<int>(context.io_priority));
  set_processors(context.processors);
  for (const auto& limit : context.limits) {
    const rlimit wanted{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &wanted);
  }
  set_signals(context);
}

void begin_command(pid_t zygote, const protocol::ForkCommand& order,
                   std::vector<protocol::Fd> descriptors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != zygote) _exit(1);
  command = getpid();
  setpgid(0, 0);
  // Out of the way of the numbers that they are to have, which may be one another's.
  std::uint64_t highest = 2;
  for (const auto number : order.descriptors) highest = std::max(highest, number);
  for (auto& fd : descriptors) {
    if (static_cast<std::uint64_t>(fd.get()) <= highest)
      fd = protocol::Fd(fcntl(fd.get(), F_DUPFD_CLOEXEC, static_cast<int>(highest) + 1));
  }
  for (int stream = 0; stream <= 2; ++stream) close(stream);
  for (std::size_t i = 0; i < order.descriptors.size() && !descriptors.empty(); ++i) {
    const auto& attached = descriptors[std::min(i, descriptors.size() - 1)];
    dup2(attached.get(), static_cast<int>(order.descriptors[i]));
  }
  protocol::write_all(STDOUT_FILENO, order.printed_stdout);
  protocol::write_all(STDERR_FILENO, order.printed_stderr);
}

bool leave_group() {
  const pid_t self = getpid();
  return self == command && getpgrp() == self && setpgid(0, getpgid(getppid())) == 0;
}

}  // namespace hearth::zygote
