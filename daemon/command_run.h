// A run of commands that a client orders one by one on its streams connection, each with its own
// descriptors (`hearth exec`, the tests of `hearth ctest`): they become forks of native zygotes, or
// are refused, and the client executes them by itself.
//
// opened --(the client closes the connection)--> ended: whatever still runs is killed.
//
// A client that wants slots starts its commands on those that it is lent, and only there; it may
// hold them while it executes a command itself. The commands of one that never asks (it stands for
// a single one, and somebody else has decided that it runs) count as sessions for the scheduler.
#pragma once

#include <map>

#include "daemon/dispatcher.h"
#include "daemon/native_pool.h"
#include "daemon/run.h"
#include "daemon/stop_watch.h"

namespace hearth::daemon {

class CommandRun : public Run, private Dispatcher::Executor {
 public:
  CommandRun(Services services, RunListener& listener, scheduler::RunId id,
             protocol::ProcessSpec spec, pid_t client, NativePool& pool)
      : Run(services, listener, id, std::move(spec), {}, client),
        pool_(pool),
        environment_(spec_.environment),
        client_watch_(services.loop, [this](bool is_stopped) {
          services_.dispatcher.post(scheduler::BorrowerStopped{id_, is_stopped});
        }) {}
  ~CommandRun() override;

  void start() override {}
  // Of the client; false: that makes no sense.
  bool received(protocol::Received received);
  void message_received(const protocol::Message& /*message*/) override {}  // none by that way
  void client_gone() override;
  void kill(const std::string& reason) override;
  const char* state() const override {
    if (is_borrower_ && lent_ == 0) return "waiting";
    return jobs_.empty() && !is_borrower_ ? "ending" : "running";
  }

 private:
  void execute(const scheduler::Command& command) override;
  void want_slots(std::uint64_t slots);
  bool return_slots(std::uint64_t slots);
  bool start_command(protocol::StartCommand order, std::vector<protocol::Fd> descriptors);
  // Of a command that has not been answered, or that has ended by itself.
  std::optional<NativePool::JobId> job_of(std::uint64_t number) const;
  void answered(std::uint64_t number, const std::string& program, const NativePool::Answer& answer);
  void count(std::uint64_t number);
  void uncount(std::uint64_t number);

  NativePool& pool_;
  SharedEnvironment environment_;                      // of commands that have none of their own
  std::map<std::uint64_t, NativePool::JobId> jobs_;    // by the client's number
  std::map<std::uint64_t, NativePool::JobId> exited_;  // the latest
  bool is_borrower_ = false;
  std::uint32_t lent_ = 0;  // slots
  StopWatch client_watch_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::daemon
