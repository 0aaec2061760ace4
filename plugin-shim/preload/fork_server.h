// What a native zygote does in place of main: it tells the daemon what was done before (or why it
// cannot be forked), and forks a child for each command, which returns from here and goes on to
// main. It reaps them and tells how they ended.
//
// A command that was ordered ahead waits here for the end of another one, so that nobody has to be
// asked in between; by then it is as if it had just been ordered: what was read before main is
// looked at once more. It does not begin where the other one has left processes behind: they may
// have to be waited for, too.
//
// While there is enough to begin by itself, ends are told together, some milliseconds later: who is
// told of one has something to do, for which a processor would be taken from the commands.
//
// Once the daemon is gone, or asks for it, the process ends, by _exit: nothing of the program's own
// end takes place in it. What the daemon does not want to live longer is killed with it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugin-shim/preload/command_line.h"
#include "plugin-shim/preload/text_pages.h"
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
  using Clock = std::chrono::steady_clock;

  struct Child {
    std::uint64_t number = 0;  // of its command
    Clock::time_point begun;
    protocol::Fd output;  // where its end is noted; may be none
  };
  struct Waiting {
    protocol::ForkCommand order;
    std::vector<protocol::Fd> descriptors;
  };

  ForkServer(protocol::Channel channel, std::vector<protocol::FileSignature> files)
      : channel_(std::move(channel)), files_(std::move(files)) {}

  void report();
  // Of the following, whether this is the child.
  bool receive();
  bool take_order(protocol::ForkCommand order, std::vector<protocol::Fd> descriptors);
  bool fork_command(const protocol::ForkCommand& order, std::vector<protocol::Fd> descriptors);
  bool has_to_wait(const protocol::ForkCommand& order) const;
  bool may_follow(const protocol::ForkCommand& order) const;
  bool is_what_it_was();
  bool is_daemon_there() const;
  // Takes it out of those that wait; whether it was there.
  bool forget(std::uint64_t number);
  void withdraw_all();
  void signal_command(const protocol::SignalCommand& order);
  bool reap();
  // Of an end: with those before it, as soon as no more wait than will soon have begun.
  void tell_soon();
  void tell();
  void end_if_lost();

  protocol::Channel channel_;
  protocol::Fd child_signals_;
  TextPages text_;
  sigset_t signals_of_main_{};
  struct sigaction child_ended_in_main_ {};
  std::map<pid_t, Child> children_;
  std::deque<protocol::Received> received_;  // what was not looked at yet
  std::deque<Waiting> waiting_;              // in the order in which they begin
  // Numbers of commands behind which none begins: they could not be forked, or have left processes.
  std::set<std::uint64_t> not_followed_;
  std::vector<protocol::FileSignature> files_;  // all that has to be as it was
  std::optional<Clock::time_point> tells_at_;   // of ends that are held back
  bool retires_ = false;
  CommandLine command_line_;
  Arguments arguments_;  // of the child that this is
};

}  // namespace hearth::zygote
