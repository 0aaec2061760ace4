// A run of commands that a client orders one by one on its streams connection, each with its own
// descriptors (`hearth exec`, the tests of `hearth ctest`): they become forks of native zygotes, or
// are refused, and the client executes them by itself.
//
// opened --(the client closes the connection)--> ended: whatever still runs is killed. Each command
// that runs, the client's own ones included, counts as a session for the scheduler.
#pragma once

#include <map>
#include <set>

#include "daemon/native_pool.h"
#include "daemon/run.h"

namespace hearth::daemon {

class CommandRun : public Run {
 public:
  CommandRun(Services services, RunListener& listener, scheduler::RunId id,
             protocol::ProcessSpec spec, pid_t client, NativePool& pool)
      : Run(services, listener, id, std::move(spec), {}, client), pool_(pool) {}
  ~CommandRun() override;

  void start() override {}
  // Of the client; false: that makes no sense.
  bool received(protocol::Received received);
  void message_received(const protocol::Message& /*message*/) override {}  // none by that way
  void client_gone() override;
  void kill(const std::string& reason) override;
  const char* state() const override {
    return jobs_.empty() && own_.empty() ? "ending" : "running";
  }

 private:
  bool start_command(protocol::StartCommand order, std::vector<protocol::Fd> descriptors);
  void answered(std::uint64_t number, const std::string& program, const NativePool::Answer& answer);
  void count(std::uint64_t number);
  void uncount(std::uint64_t number);

  NativePool& pool_;
  std::map<std::uint64_t, NativePool::JobId> jobs_;  // by the client's number
  std::set<std::uint64_t> own_;                      // that the client executes
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::daemon
