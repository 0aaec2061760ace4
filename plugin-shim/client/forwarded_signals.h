// The signals that this process gets, as something to wait for instead of something to die of: they
// are the session's. Ignored ones are waited for as well; what becomes of them there is as in a
// plain run, where a test may have changed that.
//
// They stay blocked from construction on, in this thread and those that it starts later. Left alone
// are those that say what this process itself did wrong, and those that cannot be had.
#pragma once

#include <csignal>
#include <vector>

#include "protocol/fd.h"

namespace hearth::client {

class ForwardedSignals {
 public:
  ForwardedSignals();
  int fd() const { return fd_.get(); }
  int take();  // the next one that arrived, 0: none
  // As if this had never been: the signals do what they did before, those that were taken included.
  void give_back();
  // Those that were taken since this was asked. They are done with: give_back() knows them no more.
  std::vector<int> settle();

  // The signal does what it does to a process that does not wait for it.
  static void let_act(int signal);
  // Stops this process as Ctrl-Z does, for the shell to see; returns when it goes on, and SIGCONT
  // is there to be taken. False: it was not stopped, as there is no shell.
  static bool stop_this_process();

 private:
  sigset_t before_{};
  std::vector<int> taken_;
  protocol::Fd fd_;
};

// Until ForwardedSignals are there nothing is running yet, and what pytest says of Ctrl-C is said
// by this process, which ends with pytest's exit code.
void end_on_early_interrupt();

}  // namespace hearth::client
