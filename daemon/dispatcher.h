// Between the scheduler and the distributed runs: events in, commands out to the run they concern,
// and its clock.
#pragma once

#include <deque>
#include <map>

#include "daemon/event_loop.h"
#include "scheduler/scheduler.h"

namespace hearth::daemon {

class Dispatcher {
 public:
  // Carries out the scheduler's commands for one run. May post() events while it does.
  struct Executor {
    virtual ~Executor() = default;
    virtual void execute(const scheduler::Command& command) = 0;
  };

  Dispatcher(EventLoop& loop, scheduler::Config config);
  ~Dispatcher();

  // `executor` gets the commands of that run from now on; nullptr: nobody does any more.
  void set_executor(scheduler::RunId run, Executor* executor);

  // Events are handled in the order of their posting; before post() returns, unless it is called by
  // execute().
  void post(scheduler::Event event);

  const scheduler::Scheduler& scheduler() const { return scheduler_; }

 private:
  void handle(const scheduler::Event& event);
  void wake_at(scheduler::Time time);

  EventLoop& loop_;
  scheduler::Scheduler scheduler_;
  std::map<scheduler::RunId, Executor*> executors_;
  std::deque<scheduler::Event> posted_;
  bool handling_ = false;
  EventLoop::TimerId wake_timer_{};
};

// The run that a command is about; none for wake_at.
std::optional<scheduler::RunId> run_of(const scheduler::Action& action);

}  // namespace hearth::daemon
