#include "daemon/process_table.h"

#include <signal.h>

#include <utility>

namespace hearth::daemon {

void ProcessTable::exited(pid_t pid, int wait_status) {
  auto node = owners_.extract(pid);
  if (!node.empty()) node.mapped()(wait_status);
}

void signal_group(pid_t leader, int signal) {
  if (leader <= 1) return;
  if (kill(-leader, signal) != 0) kill(leader, signal);
}

}  // namespace hearth::daemon
