// What /proc/self/cmdline of a fork says, and with it ps: its own arguments, not its zygote's.
#pragma once

#include <sys/prctl.h>

#include <string>
#include <vector>

namespace hearth::zygote {

class CommandLine {
 public:
  // Looks where this process's parts are; to be made once, in the zygote.
  CommandLine();

  // In a fork: these words are its arguments from now on, for main (as count and pointers, which
  // live as long as this does) and for whoever looks from outside; for these only where the kernel
  // lets it.
  char** set(const std::vector<std::string>& words);

 private:
  prctl_mm_map parts_{};
  bool is_known_ = false;
  std::string text_;  // one after the other, as they lie in a process that was executed
  std::vector<char*> pointers_;
};

}  // namespace hearth::zygote
