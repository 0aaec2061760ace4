// Commands as forks of warm processes that the daemon holds; those that it cannot serve are
// executed as ever, by another executor.
//
// Both count with the daemon as running, so that other runs give way. When the daemon is lost, what
// it was executing has been killed, and all that follows is executed as ever.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "plugin-shim/client/command_connection.h"
#include "plugin-shim/ctest/executor.h"
#include "protocol/fd.h"

namespace hearth::ctest {

class WarmExecutor : public Executor {
 public:
  // `arguments`: what the user typed, for people. The daemon must be running, and be like this
  // process in what a fork cannot take over (client::difference_from).
  WarmExecutor(protocol::Endpoints endpoints, std::vector<std::string> arguments,
               std::unique_ptr<Executor> otherwise);

  void start(CommandNumber number, const Command& command) override;
  void signal(CommandNumber number, int signal) override;
  void kill(CommandNumber number) override;
  int fd() const override { return events_.get(); }
  std::vector<CommandEnded> take_ended() override;

 private:
  struct Asked {
    Command command;  // to be started otherwise
    protocol::Fd output;
    bool is_killed = false;
  };

  bool start_warm(CommandNumber number, const Command& command);
  bool open(const Command& command, const std::vector<std::string>& environment);
  void start_otherwise(CommandNumber number, const Command& command);
  void signal_warm(CommandNumber number, int signal, bool whole_tree);
  void take_answers(std::vector<CommandEnded>& ended);
  void lost(std::vector<CommandEnded>& ended);
  void update_watch();

  protocol::Endpoints endpoints_;
  std::vector<std::string> arguments_;
  std::unique_ptr<Executor> otherwise_;
  protocol::Fd events_;  // of both
  std::optional<client::CommandConnection> connection_;
  bool is_opened_ = false;  // once
  bool waits_to_write_ = false;
  // Of the first command: what most have in common travels once.
  std::string directory_;
  std::vector<std::string> environment_;
  std::map<CommandNumber, Asked> asked_;
  std::set<CommandNumber> own_;
};

}  // namespace hearth::ctest
