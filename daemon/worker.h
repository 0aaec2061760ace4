// One worker of a distribution, as the daemon sees it: its process, its control channel and its
// data channel.
//
// The data channel is read when the worker rings, on the distribution's tick, and when the process
// is gone; not whenever it has something: so batches form, and still no report stays in the
// worker's memory.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/event_loop.h"
#include "daemon/process_table.h"
#include "protocol/channel.h"
#include "scheduler/events.h"

namespace hearth::daemon {

class Worker {
 public:
  struct Listener {
    virtual ~Listener() = default;
    virtual void data_received(Worker& worker, protocol::Message message) = 0;
    virtual void data_drained() = 0;  // after a batch
    // Whether more can be taken now; what is not taken stays in the data channel until the next
    // read_data(), and holds the worker up when that is full.
    virtual bool wants_data() const = 0;
    // Gone: everything that it had sent was handed over before.
    virtual void worker_exited(Worker& worker, int wait_status) = 0;
  };

  Worker(EventLoop& loop, ProcessTable& processes, Listener& listener, scheduler::WorkerId id);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Makes both channels; the worker's ends (control, data) are for its process. An error text, or
  // empty.
  [[nodiscard]] std::string open(protocol::Fd& control, protocol::Fd& data);
  void started(pid_t pid);

  void send(const protocol::Message& message);
  void read_data();
  // It has said what no worker says: nothing more is believed, and it is ended.
  void distrust();
  void signal(int number) const { signal_group(pid_, number); }

  scheduler::WorkerId id() const { return id_; }
  std::string name() const { return "gw" + std::to_string(id_.value); }
  pid_t pid() const { return pid_; }

  // What it told of itself.
  bool finished = false;  // worker_finished was received
  std::string output;     // of worker_finished

  bool is_announced = false;  // the owner's: the controller knows of it

 private:
  void on_control(short events);
  void control_lost();
  void end_within(Clock::duration patience);
  void update_watch();

  EventLoop& loop_;
  ProcessTable& processes_;
  Listener& listener_;
  scheduler::WorkerId id_;
  pid_t pid_ = 0;
  bool exited_ = false;
  std::unique_ptr<protocol::Channel> control_;
  std::unique_ptr<protocol::Channel> data_;
  EventLoop::TimerId kill_timer_{};
};

}  // namespace hearth::daemon
