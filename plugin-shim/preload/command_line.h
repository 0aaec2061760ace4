// What /proc/self/cmdline and environ of a fork say, and with them ps: its own arguments and the
// user's environment, not its zygote's.
#pragma once

#include <sys/prctl.h>

#include <string>
#include <vector>

namespace hearth::zygote {

class CommandLine {
 public:
  // Looks where this process's parts are; to be made once, in the zygote, when the environment is
  // the user's.
  CommandLine();

  // In a fork: these words are its arguments from now on, for main (as count and pointers, which
  // live as long as this does) and for whoever looks from outside; for these only where the kernel
  // lets it. Behind them are the environment and what the kernel has told the program (auxv), as in
  // a process that was executed: Go's runtime looks for them there.
  char** set(const std::vector<std::string>& words);

 private:
  void read_auxiliary();

  prctl_mm_map parts_{};
  bool is_known_ = false;
  std::string environment_;
  std::string text_;  // one after the other, as they lie in a process that was executed
  std::vector<char*> pointers_;
  std::vector<char*> auxiliary_;  // words of auxv
};

}  // namespace hearth::zygote
