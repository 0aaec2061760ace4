// Commands as forks of warm processes that the daemon holds; those that it cannot serve are
// executed as ever, by another executor.
//
// Either way a command starts on a slot that the daemon has lent, so that all runs of the machine
// share its cores. When the daemon is lost, what it was executing has been killed, and all that
// follows is executed as ever.
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

  std::size_t slots_for(std::size_t used, std::size_t more) override;
  void start(CommandNumber number, const Command& command) override;
  bool order_ahead(CommandNumber number, const Command& command) override;
  bool take_turn(CommandNumber number) override;
  std::size_t begun_ahead() const override;
  void end_ahead() override;
  void signal(CommandNumber number, int signal) override;
  void kill(CommandNumber number) override;
  int fd() const override { return events_.get(); }
  std::vector<CommandEnded> take_ended() override;

 private:
  struct Asked {
    Command command;  // to be started otherwise
    protocol::Fd output;
    bool is_killed = false;
    bool has_begun = true;
    bool is_ahead = false;  // its turn has not come yet
  };

  void open();
  bool start_warm(CommandNumber number, const Command& command);
  bool may_be_warm(const Command& command) const;
  bool order(CommandNumber number, const Command& command, bool is_ahead);
  void start_otherwise(CommandNumber number, const Command& command);
  // One has ended: the next one of those that were ordered ahead has begun.
  void begin_next();
  void signal_warm(CommandNumber number, int signal, bool whole_tree);
  void take_answers(std::vector<CommandEnded>& ended);
  void take_exit(const protocol::CommandExited& exited, std::vector<CommandEnded>& ended);
  // It was not executed, and may be ordered again, or not.
  void take_back(CommandNumber number, bool again, std::vector<CommandEnded>& ended);
  void lost(bool is_refused, std::vector<CommandEnded>& ended);
  void update_watch();

  protocol::Endpoints endpoints_;
  std::vector<std::string> arguments_;
  std::unique_ptr<Executor> otherwise_;
  protocol::Fd events_;  // of both
  std::optional<client::CommandConnection> connection_;
  bool is_opened_ = false;  // once
  bool waits_to_write_ = false;
  std::string directory_;  // of the conversation
  std::map<CommandNumber, Asked> asked_;
  std::set<CommandNumber> withdrawn_;  // ordered ahead in vain, before their turn
  std::size_t otherwise_running_ = 0;
  std::size_t wanted_ = 0;  // slots, as the daemon knows it
  std::size_t lent_ = 0;
  std::size_t asked_back_ = 0;  // of these
};

}  // namespace hearth::ctest
