// One distributed run: carries out the scheduler's commands for its crew of workers, and hands what
// they report to the controller, unread.
//
// (configuring --workers_configured-->) opening --(a worker zygote is there)--> opened
// --begin_distribution--> running --(scheduler's finish_run)--> finished
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/dispatcher.h"
#include "daemon/item_timer.h"
#include "daemon/wait_notice.h"
#include "daemon/worker_crew.h"

namespace hearth::daemon {

// A user's standard streams.
using Streams = std::array<protocol::Fd, 3>;

// The controller's end, wherever it is.
struct ControllerLink {
  virtual ~ControllerLink() = default;
  virtual void enqueue(const protocol::Message& message) = 0;
  virtual void flush() = 0;
  virtual std::size_t queued_bytes() const = 0;
  virtual void distribution_finished() = 0;  // after its last message
  // Whether somebody wants to know what workers, and the stages before them, look at.
  virtual bool wants_trace() const { return false; }
  virtual void looked_at(const protocol::Trace& /*trace*/) {}
};

class Distribution : private Dispatcher::Executor, private WorkerCrew::Listener {
 public:
  // `streams`: for the worker that the controller lends them to. `shows_output`: whether workers
  // print through the controller.
  Distribution(Services services, scheduler::RunId run, protocol::ProcessSpec spec,
               protocol::Distribution wish, Streams streams, bool shows_output,
               ControllerLink& link);
  ~Distribution() override;

  void open();
  // workers_configured, begin, cancel, lost_item_judged, lend_terminal, interrupt_worker; whether
  // it was one of them.
  bool controller_said(const protocol::Message& message);
  void stop();    // workers complete the items that they are at, and end their sessions
  void cancel();  // the same, but interrupts these items
  // Nobody is there to report to: as cancel(), with less patience.
  void controller_gone();
  // At once. It counts as failed for this reason, unless it was cancelled.
  void kill(const std::string& reason);

  // They stop while the session is stopped (Ctrl-Z), and go on with it.
  void hold_workers(bool is_stopped);
  // As cancel(), but what runs is the caller's to end: the processes of all workers that are up.
  std::vector<pid_t> abandon_workers();

  bool has_lent_terminal() const { return !borrower_.empty(); }
  bool finished() const { return finished_; }

 private:
  void execute(const scheduler::Command& command) override;
  void data_received(Worker& worker, protocol::Message message) override;
  void printed(Worker& worker, int stream, std::string lines) override;
  void data_drained() override { link_.flush(); }
  bool wants_data() const override;
  void worker_exited(Worker& worker, int wait_status) override;

  void worker_started(Worker& worker) override;
  void worker_not_started(scheduler::WorkerId id, std::string message) override;
  void worker_refused(scheduler::WorkerId id, WorkerCrew::Refusal refusal) override;
  void worker_not_needed(scheduler::WorkerId id) override;
  void worker_unconfigured(scheduler::WorkerId id) override;

  void want(std::vector<std::string> workers);
  void configured(protocol::WorkersConfigured message);
  void acquire_first();
  void begin();
  void start_worker(scheduler::WorkerId id);
  void stop_worker(scheduler::WorkerId id);
  Clock::duration ramp_delay(scheduler::WorkerId id) const;
  void lend_terminal(const std::string& worker);
  void opened(ZygotePool::Result result);
  void kill_after(Clock::duration patience);
  void fail(std::string message);
  void worker_ended(scheduler::WorkerId id, protocol::WorkerEnded ended);
  void limit_time(const Worker& worker, const protocol::TimeLimit& limit);
  void item_is_over(scheduler::WorkerId id);
  void finish_run(const scheduler::FinishRun& command);
  void finish(protocol::Outcome outcome, std::string message);
  void tick();
  std::optional<WaitNotice::Awaited> awaited() const;
  bool are_items(const std::vector<std::uint64_t>& values) const;

  Services services_;
  scheduler::RunId run_;
  protocol::Distribution wish_;
  ControllerLink& link_;
  Streams streams_;
  WorkerCrew crew_;
  std::optional<ZygotePool::WaitId> opening_;
  protocol::WorkerEnded* ending_ =
      nullptr;  // being put together while the scheduler hears of an exit
  std::string first_failure_;
  std::string first_output_;  // what a process printed, if that is why
  bool configuring_ = false;
  bool running_ = false;
  bool finished_ = false;
  bool is_stopping_ = false;
  bool cancelled_ = false;
  bool is_stopped_ = false;
  std::string borrower_;  // the worker that has the terminal
  std::optional<protocol::DistributionFinished> last_message_;
  bool has_begun_ = false;  // an item
  WaitNotice wait_notice_{services_.loop, run_, [this] { return awaited(); },
                          [this](const protocol::RunWaits& waits) {
                            link_.enqueue(waits);
                            link_.flush();
                          }};
  Clock::time_point begun_at_{};
  // Of workers that have executed an item with a time limit.
  std::map<scheduler::WorkerId, std::unique_ptr<ItemTimer>> item_timers_;
  // Of workers that are being ended, what they had done by then.
  std::map<scheduler::WorkerId, protocol::WorkerEnded> overdue_;
  std::map<scheduler::WorkerId, EventLoop::TimerId> ramping_;  // workers whose time has not come
  EventLoop::TimerId tick_timer_{};
  EventLoop::TimerId kill_timer_{};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::daemon
