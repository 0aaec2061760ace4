// The signals that end a run (Ctrl-C, SIGTERM, …), as something to wait for: what runs must not be
// left behind.
#pragma once

#include <csignal>

#include "protocol/fd.h"

namespace hearth::ctest {

class Interruption {
 public:
  // Those that are ignored stay so. Blocked from here on in this thread.
  Interruption();
  int fd() const { return fd_.get(); }
  int take();  // 0: none has come
  // This process ends by it.
  [[noreturn]] static void die_of(int signal);

 private:
  protocol::Fd fd_;
};

}  // namespace hearth::ctest
