#include "plugin-shim/client/process_context.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "protocol/ignored_signals.h"

namespace hearth::client {
namespace {

std::uint64_t blocked_signals() {
  sigset_t mask;
  sigemptyset(&mask);
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  std::uint64_t blocked = 0;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (sigismember(&mask, signal) == 1) blocked |= std::uint64_t{1} << (signal - 1);
  }
  return blocked;
}

// More processors than the usual set has room for: left as they are.
std::vector<std::uint64_t> processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<std::uint64_t> numbers;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return numbers;
  for (std::uint64_t number = 0; number < CPU_SETSIZE; ++number) {
    if (CPU_ISSET(number, &set)) numbers.push_back(number);
  }
  return numbers;
}

std::vector<protocol::ResourceLimit> limits() {
  std::vector<protocol::ResourceLimit> all;
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    rlimit limit{};
    if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) continue;
    all.push_back({static_cast<std::uint64_t>(resource), limit.rlim_cur, limit.rlim_max});
  }
  return all;
}

}  // namespace

protocol::ProcessContext current_process_context() {
  constexpr int this_process = 1;  // IOPRIO_WHO_PROCESS
  const long io_priority = syscall(SYS_ioprio_get, this_process, 0);
  protocol::ProcessContext context;
  context.nice = getpriority(PRIO_PROCESS, 0);
  context.io_priority = io_priority > 0 ? static_cast<std::uint64_t>(io_priority) : 0;
  context.processors = processors();
  context.limits = limits();
  context.ignored_signals = protocol::ignored_signals();
  context.blocked_signals = blocked_signals();
  return context;
}

}  // namespace hearth::client
