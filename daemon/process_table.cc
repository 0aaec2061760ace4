#include "daemon/process_table.h"

#include <signal.h>

#include <cerrno>
#include <utility>

namespace hearth::daemon {
namespace {

// A status that is on its way (from a zygote that is slow) arrives between two looks.
constexpr auto look_interval = std::chrono::milliseconds(500);

}  // namespace

void ProcessTable::exited(pid_t pid, int wait_status) {
  auto node = owners_.extract(pid);
  if (!node.empty()) node.mapped().on_exit(wait_status);
}

void ProcessTable::suspect(pid_t pid) {
  const auto it = owners_.find(pid);
  if (it == owners_.end() || std::exchange(it->second.suspected, true)) return;
  look_again(pid, it->second.serial, false);
}

void ProcessTable::look_again(pid_t pid, std::uint64_t serial, bool was_gone) {
  const auto it = owners_.find(pid);
  if (it == owners_.end() || it->second.serial != serial) return;
  const bool is_gone = kill(pid, 0) != 0 && errno == ESRCH;
  if (is_gone && was_gone) {
    exited(pid, SIGKILL);
    return;
  }
  loop_.after(look_interval, [this, pid, serial, is_gone] { look_again(pid, serial, is_gone); });
}

void signal_group(pid_t leader, int signal) {
  if (leader <= 1) return;
  if (kill(-leader, signal) != 0) kill(leader, signal);
}

}  // namespace hearth::daemon
