// Standard streams of a zygote: what stands in for the user's until a run takes their place.
//
// A stream that is a terminal for the user is a pseudo-terminal of the same size (programs that ask
// must hear the same answer); any other is an anonymous file. What a stage writes is kept, to be
// written first by each run that continues it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "daemon/event_loop.h"
#include "daemon/stage_key.h"
#include "protocol/fd.h"

namespace hearth::daemon {

class PlaceholderStreams {
 public:
  // Call open() before anything else.
  explicit PlaceholderStreams(EventLoop& loop) : loop_(loop) {}
  ~PlaceholderStreams();
  PlaceholderStreams(const PlaceholderStreams&) = delete;
  PlaceholderStreams& operator=(const PlaceholderStreams&) = delete;

  [[nodiscard]] tl::expected<void, std::string> open(const StreamShape& shape);

  // The program's side, for 0, 1, 2 (owned here).
  std::array<int, 3> descriptors() const;
  std::vector<protocol::Fd> duplicates() const;

  struct Printed {
    std::string to_stdout;
    std::string to_stderr;  // empty when both are one file
  };
  // All that was written so far. The writer must be paused.
  Printed printed();

 private:
  void read_terminal();
  void drain_terminal();

  EventLoop& loop_;
  StreamShape shape_;
  std::array<protocol::Fd, 3> files_;  // of terminals: duplicates of the program's side
  protocol::Fd terminal_master_;
  protocol::Fd terminal_mark_;  // the program's side once more, non-blocking
  std::string terminal_text_;
};

}  // namespace hearth::daemon
