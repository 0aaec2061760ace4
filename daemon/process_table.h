// Which process belongs to whom, until its wait status is known.
//
// A process that a zygote forked is reaped by the zygote, which reports it; one whose zygote has
// died, and those that the daemon spawned, are reaped by the daemon. Either way the status arrives
// here, exactly once for its owner.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>

#include "daemon/event_loop.h"

namespace hearth::daemon {

class ProcessTable {
 public:
  explicit ProcessTable(EventLoop& loop) : loop_(loop) {}

  using Callback = std::function<void(int wait_status)>;

  // `on_exit` is called when the process is known to be gone; the entry is removed before.
  void expect(pid_t pid, Callback on_exit) {
    owners_[pid] = Owner{std::move(on_exit), next_serial_++, false};
  }
  void forget(pid_t pid) { owners_.erase(pid); }

  // Its status has become known; of a process that nobody expects (an orphan of a test): nothing.
  void exited(pid_t pid, int wait_status);

  // The process has closed its channel, or the zygote that was to report it is gone: should it not
  // exist any more and its status stay unknown, it counts as killed. (A zygote that dies may take
  // the status of a child with it; the daemon may reap a child before it learns whose it is.)
  void suspect(pid_t pid);

  bool is_expected(pid_t pid) const { return owners_.contains(pid); }

 private:
  struct Owner {
    Callback on_exit;
    std::uint64_t serial = 0;  // a pid may be used again
    bool suspected = false;
  };

  void look_again(pid_t pid, std::uint64_t serial, bool was_gone);

  EventLoop& loop_;
  std::map<pid_t, Owner> owners_;
  std::uint64_t next_serial_ = 1;
};

// Sends a signal to the process group that a process leads, or, while it has none yet, to the
// process.
void signal_group(pid_t leader, int signal);

}  // namespace hearth::daemon
