// A run of `pytest --hearth`: the user's own pytest is the controller and speaks over ZeroMQ; here
// are only its workers.
#pragma once

#include "daemon/run.h"
#include "daemon/stop_watch.h"

namespace hearth::daemon {

class PluginRun : public Run, private ControllerLink {
 public:
  PluginRun(Services services, RunListener& listener, scheduler::RunId id,
            protocol::ProcessSpec spec, Streams streams, pid_t client, protocol::Distribution wish,
            bool shows_output)
      : Run(services, listener, id, std::move(spec), std::move(streams), client),
        wish_(std::move(wish)),
        shows_output_(shows_output),
        client_watch_(services_.loop,
                      [this](bool is_stopped) { distribution_->hold_workers(is_stopped); }) {}
  ~PluginRun() override { services_.loop.cancel(kill_timer_); }

  void start() override;
  void message_received(const protocol::Message& message) override;
  void client_gone() override;
  void kill(const std::string& reason) override;
  const char* state() const override { return distribution_->finished() ? "ending" : "running"; }

 private:
  void enqueue(const protocol::Message& message) override {
    listener_.send_to_client(id_, message);
  }
  void flush() override {}
  std::size_t queued_bytes() const override { return 0; }  // ZeroMQ does not tell
  void distribution_finished() override;

  protocol::Distribution wish_;
  bool shows_output_;
  std::unique_ptr<Distribution> distribution_;
  StopWatch client_watch_;
  EventLoop::TimerId kill_timer_{};
};

}  // namespace hearth::daemon
