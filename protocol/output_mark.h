// What a native zygote notes on the output of a command that was ordered ahead, for the client that
// holds the other copies of the descriptor: it can be seen when the one who would have told of it
// has been killed.
//
// The note is the signal of the open file description (fcntl(2), F_SETSIG), which nobody is sent
// who has not asked for it (O_ASYNC), and which lives as long as any copy of the descriptor.
#pragma once

#include <fcntl.h>

#include <csignal>

namespace hearth::protocol {

enum class OutputMark : int {
  none = 0,           // it has not begun
  begun = SIGIO,      // the usual signal
  succeeded = SIGURG  // it has exited with code 0
};

inline void set_mark(int output, OutputMark mark) {
  fcntl(output, F_SETSIG, static_cast<int>(mark));
}

inline OutputMark mark_of(int output) {
  switch (fcntl(output, F_GETSIG)) {
    case SIGIO:
      return OutputMark::begun;
    case SIGURG:
      return OutputMark::succeeded;
    default:
      return OutputMark::none;
  }
}

}  // namespace hearth::protocol
