// Tells when a process is stopped (Ctrl-Z, SIGSTOP) and when it goes on. Only its parent is told
// that by the kernel, and the daemon is no parent: so it looks, a few times a second.
#pragma once

#include <sys/types.h>

#include <functional>

#include "daemon/event_loop.h"

namespace hearth::daemon {

class StopWatch {
 public:
  // `changed`: from the loop. The process counts as running at first.
  StopWatch(EventLoop& loop, std::function<void(bool is_stopped)> changed)
      : loop_(loop), changed_(std::move(changed)) {}
  ~StopWatch() { loop_.cancel(timer_); }
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

  void watch(pid_t pid);  // 0: none
  void expect_change();   // looks closely for a moment
  bool is_stopped() const { return is_stopped_; }

 private:
  void look();

  EventLoop& loop_;
  std::function<void(bool)> changed_;
  pid_t pid_ = 0;
  bool is_stopped_ = false;
  Clock::time_point close_until_{};
  EventLoop::TimerId timer_{};
};

}  // namespace hearth::daemon
