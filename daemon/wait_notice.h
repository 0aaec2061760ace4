// Tells a user, by whoever shows it, what is being waited for, and since when: not at once, since
// what is warm is there before anybody could read it; then whenever it is something else, and each
// second.
#pragma once

#include <functional>
#include <optional>

#include "daemon/event_loop.h"
#include "protocol/messages.gen.h"
#include "scheduler/events.h"

namespace hearth::daemon {

class WaitNotice {
 public:
  struct Awaited {
    protocol::Stage stage{};
    bool for_slot = false;  // nothing is being built
    bool operator==(const Awaited&) const = default;
  };
  using Look = std::function<std::optional<Awaited>()>;  // none: not known at the moment
  using Tell = std::function<void(const protocol::RunWaits&)>;

  WaitNotice(EventLoop& loop, scheduler::RunId run, Look look, Tell tell);
  ~WaitNotice() { end(); }
  WaitNotice(const WaitNotice&) = delete;
  WaitNotice& operator=(const WaitNotice&) = delete;

  void begin();  // the waiting; once more: from now on
  void end();
  bool was_told() const { return told_.has_value(); }

 private:
  void look();

  EventLoop& loop_;
  scheduler::RunId run_;
  Look look_;
  Tell tell_;
  Clock::time_point since_{};
  Clock::time_point told_at_{};
  std::optional<Awaited> told_;
  EventLoop::TimerId timer_{};
};

}  // namespace hearth::daemon
