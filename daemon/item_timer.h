// How long an item may take in one process: from its time_limit message to its end. When the time
// is over, the process writes down what all its threads are doing; then it is its owner's to end.
//
// idle --begin--> running --(time, and it has not said that it is over)--> writing its stacks -->
// overdue (the owner is told)
//
// What pytest has captured of the item's output is taken out of the process's descriptors 1 and 2,
// as far as it has put a file there.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/event_loop.h"
#include "protocol/messages.gen.h"

namespace hearth::daemon {

class ItemTimer {
 public:
  struct Overdue {
    std::string item;
    std::uint64_t limit_ms = 0;
    std::string stack;
    std::string captured_stdout;
    std::string captured_stderr;
  };

  // `hear`: takes in what the process has said by now, whereupon begin() or end() may be called.
  ItemTimer(EventLoop& loop, pid_t process, std::function<void()> hear,
            std::function<void(Overdue)> overdue);
  ~ItemTimer();
  ItemTimer(const ItemTimer&) = delete;
  ItemTimer& operator=(const ItemTimer&) = delete;

  void begin(const protocol::TimeLimit& limit);
  void end();
  void hold(bool is_stopped);  // the time does not pass while the process is stopped
  // Of a process that has ended, by itself or by the signal, while it should write its stacks.
  std::optional<Overdue> overdue_at_its_end();

 private:
  void arm();
  bool is_over();
  void time_has_come();
  void give_up();

  EventLoop& loop_;
  pid_t process_;
  std::function<void()> hear_;
  std::function<void(Overdue)> overdue_;
  protocol::TimeLimit limit_{};
  Clock::duration left_{};
  Clock::time_point armed_at_{};
  bool is_running_ = false;
  bool is_writing_ = false;
  bool is_stopped_ = false;
  std::uint64_t turn_ = 0;  // changes with each begin and end
  EventLoop::TimerId timer_{};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::daemon
