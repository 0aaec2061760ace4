// Which process belongs to whom, until its wait status is known.
//
// A process that a zygote forked is reaped by the zygote, which reports it; one whose zygote has
// died, and those that the daemon spawned, are reaped by the daemon. Either way the status arrives
// here, exactly once for its owner.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>

namespace hearth::daemon {

class ProcessTable {
 public:
  using Callback = std::function<void(int wait_status)>;

  // `on_exit` is called when the process is known to be gone; the entry is removed before.
  void expect(pid_t pid, Callback on_exit) { owners_[pid] = std::move(on_exit); }
  void forget(pid_t pid) { owners_.erase(pid); }

  // Its status has become known; of a process that nobody expects (an orphan of a test): nothing.
  void exited(pid_t pid, int wait_status);

  bool is_expected(pid_t pid) const { return owners_.contains(pid); }

 private:
  std::map<pid_t, Callback> owners_;
};

// Sends a signal to the process group that a process leads, or, while it has none yet, to the
// process.
void signal_group(pid_t leader, int signal);

}  // namespace hearth::daemon
