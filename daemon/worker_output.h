// What a worker, and any process that it started, writes to one of its standard streams: a pipe
// that is read here, and handed on by whole lines.
//
// The last line is handed on when it is finished, when it has become very long, or at the end, and
// gets its newline then.
#pragma once

#include <functional>
#include <string>

#include "daemon/event_loop.h"
#include "protocol/fd.h"

namespace hearth::daemon {

class WorkerOutput {
 public:
  using Sink = std::function<void(std::string lines)>;

  // `can_take`: whether there is room for more; what is not read holds the writer up.
  WorkerOutput(EventLoop& loop, std::function<bool()> can_take, Sink sink);
  ~WorkerOutput();
  WorkerOutput(const WorkerOutput&) = delete;
  WorkerOutput& operator=(const WorkerOutput&) = delete;

  // The end to write to, close-on-exec; empty when no descriptor is to be had. Call once, first.
  [[nodiscard]] protocol::Fd open();

  // Hands on what was written until now. (A writer that never stops does not keep it here.)
  void read();
  // The same, and the rest of an unfinished line. For when the worker is gone.
  void finish();

 private:
  void watch();
  bool read_some();
  void hand_on(bool everything);
  void close();

  EventLoop& loop_;
  std::function<bool()> can_take_;
  Sink sink_;
  protocol::Fd pipe_;
  std::string text_;
  bool is_held_up_ = false;
};

}  // namespace hearth::daemon
