// A test command that a client handed over, from submit to the end of its last process.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/distribution.h"

namespace hearth::daemon {

// What a run tells of itself; calls come from the loop.
struct RunListener {
  virtual ~RunListener() = default;
  virtual void send_to_client(scheduler::RunId run, const protocol::Message& message) = 0;
  // On the streams socket: what is written there arrives even if the daemon dies right after.
  virtual void send_beside_streams(scheduler::RunId run, const protocol::Message& message) = 0;
  virtual void run_ended(
      scheduler::RunId run) = 0;  // it may be destroyed, but not within this call
};

class Run {
 public:
  Run(Services services, RunListener& listener, scheduler::RunId id, protocol::ProcessSpec spec,
      Streams streams, pid_t client)
      : services_(services),
        listener_(listener),
        id_(id),
        spec_(std::move(spec)),
        streams_(std::move(streams)),
        client_(client) {}
  virtual ~Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  virtual void start() = 0;
  virtual void message_received(
      const protocol::Message& message) = 0;  // from the client, of this run
  virtual void client_gone() = 0;
  // Ends it at once. The client, if it is still there, is told the reason: one line.
  virtual void kill(const std::string& reason) = 0;
  virtual const char* state() const = 0;

  scheduler::RunId id() const { return id_; }
  const protocol::ProcessSpec& spec() const { return spec_; }
  pid_t client() const { return client_; }
  Clock::time_point submitted() const { return submitted_; }

 protected:
  Services services_;
  RunListener& listener_;
  scheduler::RunId id_;
  protocol::ProcessSpec spec_;
  Streams streams_;
  pid_t client_;
  Clock::time_point submitted_ = Clock::now();
};

}  // namespace hearth::daemon
