// What a native zygote does in place of main: it tells the daemon what was done before (or why it
// cannot be forked), and forks a child for each command, which returns from here and goes on to
// main. It reaps them and tells how they ended.
//
// Once the daemon is gone, or asks for it, the process ends, by _exit: nothing of the program's own
// end takes place in it. What the daemon does not want to live longer is killed with it.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugin-shim/preload/command_line.h"
#include "protocol/channel.h"

namespace hearth::zygote {

// Of the main to come. They live as long as the process.
struct Arguments {
  int count = 0;
  char** words = nullptr;
};

class ForkServer {
 public:
  // Before any code of the program has run: takes the order that is waiting on the channel, and
  // makes the process what its command would be. Null: this is not the program that is meant.
  static std::unique_ptr<ForkServer> prepare(int control);

  // Comes back in the children, never in the zygote.
  Arguments serve();

 private:
  explicit ForkServer(protocol::Channel channel) : channel_(std::move(channel)) {}

  void report();
  // Whether this is the child.
  bool receive();
  bool fork_command(protocol::ForkCommand order, std::vector<protocol::Fd> descriptors);
  void signal_command(const protocol::SignalCommand& order);
  void reap();
  void end_if_lost();

  protocol::Channel channel_;
  protocol::Fd child_signals_;
  sigset_t signals_of_main_{};
  struct sigaction child_ended_in_main_ {};
  std::map<pid_t, std::uint64_t> children_;  // and the numbers of their commands
  bool retires_ = false;
  CommandLine command_line_;
  Arguments arguments_;  // of the child that this is
};

}  // namespace hearth::zygote
