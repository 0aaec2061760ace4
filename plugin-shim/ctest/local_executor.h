// Commands as children of this process, as they are children of ctest.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <unordered_map>
#include <vector>

#include "plugin-shim/ctest/executor.h"
#include "protocol/fd.h"

namespace hearth::ctest {

// Blocks SIGCHLD in this thread as long as it lives: there is one of these in a process.
class LocalExecutor : public Executor {
 public:
  LocalExecutor();
  ~LocalExecutor() override;

  void start(CommandNumber number, const Command& command) override;
  void signal(CommandNumber number, int signal) override;
  void kill(CommandNumber number) override;
  int fd() const override { return exits_.get(); }
  std::vector<CommandEnded> take_ended() override;

 private:
  // The error is a system's number.
  int spawn(const Command& command, pid_t& pid);

  sigset_t mask_before_{};
  protocol::Fd exits_;  // a child has changed its state
  std::unordered_map<CommandNumber, pid_t> running_;
  std::vector<CommandEnded> not_started_;
};

}  // namespace hearth::ctest
