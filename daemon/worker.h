// One worker of a distribution, as the daemon sees it: its process, its control channel, its data
// channel, and what it prints.
//
// The data channel is read when the worker rings, on the distribution's tick, and when the process
// is gone; not whenever it has something: so batches form, and still no report stays in the
// worker's memory.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/event_loop.h"
#include "daemon/last_words.h"
#include "daemon/process_table.h"
#include "daemon/worker_output.h"
#include "protocol/channel.h"
#include "scheduler/events.h"

namespace hearth::daemon {

class Worker {
 public:
  struct Listener {
    virtual ~Listener() = default;
    virtual void data_received(Worker& worker, protocol::Message message) = 0;
    // Whole lines of stream 1 or 2; those that it wrote before some data come before that.
    virtual void printed(Worker& worker, int stream, std::string lines) = 0;
    virtual void data_drained() = 0;  // after a batch of these two
    // Whether more can be taken now; what is not taken stays in the data channel until the next
    // read_data(), and holds the worker up when that is full.
    virtual bool wants_data() const = 0;
    // Gone: everything that it had sent was handed over before.
    virtual void worker_exited(Worker& worker, int wait_status) = 0;
  };

  Worker(EventLoop& loop, ProcessTable& processes, Listener& listener, scheduler::WorkerId id,
         std::string name);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Makes both channels; the worker's ends (control, data) are for its process. An error text, or
  // empty.
  [[nodiscard]] std::string open(protocol::Fd& control, protocol::Fd& data);
  // Makes pipes for its streams 1 and 2; the worker's ends are for its process. An error text, or
  // empty.
  [[nodiscard]] std::string open_output(protocol::Fd& stdout_end, protocol::Fd& stderr_end);
  void started(pid_t pid);

  void send(const protocol::Message& message, std::vector<protocol::Fd> descriptors = {});
  void read_data();
  // It has said what no worker says: nothing more is believed, and it is ended.
  void distrust();
  // Its item takes longer than it may: it is ended, and nothing that it says counts any more.
  void end_overdue();
  void signal(int number) const { signal_group(pid_, number); }

  scheduler::WorkerId id() const { return id_; }
  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }

  // What it told of itself.
  bool finished = false;  // worker_finished was received
  std::string output;     // of worker_finished
  LastWords last_words;

  bool is_announced = false;  // the owner's: the controller knows of it

 private:
  void on_control(short events);
  void control_lost();
  void end_within(Clock::duration patience);
  void update_watch();
  std::unique_ptr<WorkerOutput> make_output(int stream);

  EventLoop& loop_;
  ProcessTable& processes_;
  Listener& listener_;
  scheduler::WorkerId id_;
  std::string name_;
  pid_t pid_ = 0;
  bool exited_ = false;
  std::unique_ptr<protocol::Channel> control_;
  std::unique_ptr<protocol::Channel> data_;
  std::array<std::unique_ptr<WorkerOutput>, 2> outputs_;  // none where nobody wants to see them
  EventLoop::TimerId kill_timer_{};
};

}  // namespace hearth::daemon
