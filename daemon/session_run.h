// A run of `hearth pytest`: the session is a fork of a warm zygote on the user's own streams.
//
// building --(lease)--> running --(the session's process ends)--> ended. A session whose options
// ask for workers opens a Distribution over its control channel. One whose process is lost before
// it has begun (its zygote was killed) is started again.
//
// A client that shows what its run waits for is told so after a while; then the session writes
// nothing until that is off the terminal.
#pragma once

#include "daemon/item_timer.h"
#include "daemon/job_control.h"
#include "daemon/run.h"
#include "daemon/wait_notice.h"
#include "protocol/channel.h"

namespace hearth::daemon {

class SessionRun : public Run, private ControllerLink, private JobControl::Job {
 public:
  SessionRun(Services services, RunListener& listener, scheduler::RunId id,
             protocol::ProcessSpec spec, Streams streams, pid_t client, bool wants_trace,
             bool wants_waits)
      : Run(services, listener, id, std::move(spec), std::move(streams), client),
        wants_trace_(wants_trace),
        wants_waits_(wants_waits) {}
  ~SessionRun() override;

  void start() override;
  void message_received(const protocol::Message& message) override;
  void client_gone() override;
  void kill(const std::string& reason) override;
  const char* state() const override {
    return ended_ ? "ending" : pid_ != 0 ? "running" : "building";
  }

 private:
  void acquired(ZygotePool::Result result);
  std::optional<WaitNotice::Awaited> awaited() const;
  void start_session(const ZygotePool::Lease& lease);
  void session_started(pid_t pid);
  void session_not_started();
  void start_again();
  void session_exited(int wait_status);
  void on_control(short events);
  void controller_said(const protocol::Message& message);
  void control_lost();
  void update_watch();
  void close_control();
  void signal_session(int number);
  void signal_beginning(int number);
  void limit_time(const protocol::TimeLimit& limit);
  void end_overdue(ItemTimer::Overdue overdue);
  void end(int wait_status, PlaceholderStreams::Printed printed = {});
  void fail(std::string message, bool plain_fails_too = false);
  void answer_failed(std::string message, bool plain_fails_too = false);
  std::string interrupted_summary() const;
  void count();
  void uncount();
  void end_when_done();

  // ControllerLink
  void enqueue(const protocol::Message& message) override;
  void flush() override;
  std::size_t queued_bytes() const override { return control_ ? control_->queued_bytes() : 0; }
  void distribution_finished() override;
  bool wants_trace() const override { return wants_trace_; }
  void looked_at(const protocol::Trace& trace) override;

  // JobControl::Job
  void session_stopped(bool is_stopped) override;
  void stop_client() override;
  bool has_lent_terminal() override;
  bool kill_workers() override;
  std::vector<pid_t> last_workers() override;

  bool wants_trace_;
  bool wants_waits_;
  std::optional<ZygotePool::WaitId> wait_;
  std::unique_ptr<protocol::Channel> control_;
  std::unique_ptr<Distribution> distribution_;
  pid_t pid_ = 0;
  int attempts_ = 0;                  // to start the session
  bool starting_ = false;             // the fork was asked for
  int unanswered_begins_ = 0;         // by terminal_left
  bool begun_ = false;                // the session has said so: it is not started again
  bool lost_zygote_ = false;          // it was not answered: not known yet whether it took place
  bool unsure_ = false;               // and never will be
  std::vector<int> pending_signals_;  // came while starting
  std::unique_ptr<JobControl> job_control_;         // of the session's process
  std::unique_ptr<ItemTimer> item_timer_;           // once an item of its own had a time limit
  std::optional<protocol::TimeLimit> early_limit_;  // came before the process was known
  std::optional<ItemTimer::Overdue> overdue_;
  bool signalled_ = false;
  bool executes_items_ = false;  // itself, so that it needs a slot
  bool counted_ = false;         // as such a session, by the scheduler
  bool answered_ = false;        // the client was told the end, or is gone
  bool killed_ = false;
  bool ended_ = false;  // only the workers' ends are waited for
  WaitNotice wait_notice_{services_.loop, id_, [this] { return awaited(); },
                          [this](const protocol::RunWaits& waits) {
                            if (!answered_) listener_.send_to_client(id_, waits);
                          }};
  EventLoop::TimerId kill_timer_{};
  EventLoop::TimerId fork_timer_{};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::daemon
