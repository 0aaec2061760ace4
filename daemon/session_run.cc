#include "daemon/session_run.h"

#include <signal.h>

#include <utility>
#include <variant>

#include "daemon/log.h"
#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

// From the client's death, or the end of a controller whose workers go on, to SIGKILL.
constexpr auto kill_patience = std::chrono::seconds(1);

constexpr int exit_code_interrupted = 2;  // pytest's
constexpr int as_wait_status(int exit_code) { return exit_code << 8; }

}  // namespace

SessionRun::~SessionRun() {
  services_.loop.cancel(kill_timer_);
  if (wait_) services_.pool.abandon(*wait_);
  if (pid_ != 0) services_.processes.forget(pid_);
  close_control();
}

void SessionRun::start() {
  ProcessRequest request;
  request.flavour = protocol::Flavour::session;
  request.spec = spec_;
  request.shape = shape_of(streams_);
  wait_ = services_.pool.acquire(std::move(request), [this](ZygotePool::Result result) {
    wait_.reset();
    acquired(std::move(result));
  });
}

void SessionRun::acquired(ZygotePool::Result result) {
  if (auto* failed = std::get_if<ZygotePool::Failed>(&result)) {
    fail(failed->message);
  } else if (auto* ended = std::get_if<ZygotePool::Ended>(&result)) {
    end(ended->wait_status, std::move(ended->printed));
  } else {
    const auto& lease = std::get<ZygotePool::Lease>(result);
    start_session(*lease.zygote, lease.fork);
  }
}

void SessionRun::start_session(Zygote& zygote, bool fork) {
  auto control = protocol::socket_pair();
  auto data = protocol::socket_pair();  // sessions have nothing to say there, but the message's
                                        // shape is one for all
  if (!control || !data) {
    fail("cannot make a socket pair: too many open files?");
    return;
  }
  control_ = std::make_unique<protocol::Channel>(std::move(control->first));
  services_.loop.watch(control_->fd(), POLLIN, [this](short events) { on_control(events); });

  protocol::StartProcess start;
  start.fork = fork;
  start.spec = spec_;
  start.flavour = protocol::Flavour::session;
  auto printed = zygote.printed();
  start.printed_stdout = std::move(printed.to_stdout);
  start.printed_stderr = std::move(printed.to_stderr);
  std::vector<protocol::Fd> descriptors;
  descriptors.push_back(std::move(control->second));
  descriptors.push_back(std::move(data->second));
  for (const auto& stream : streams_) descriptors.push_back(stream.duplicate());

  if (!zygote.distributed()) {
    counted_ = true;
    services_.dispatcher.post(scheduler::SessionStarted{id_});
  }
  starting_ = true;
  zygote.start_process(std::move(start), std::move(descriptors),
                       [this, alive = std::weak_ptr(alive_)](pid_t pid) {
                         if (!alive.expired()) {
                           session_started(pid);
                         } else if (pid != 0) {
                           signal_group(pid, SIGKILL);
                         }
                       });
}

void SessionRun::session_started(pid_t pid) {
  starting_ = false;
  if (pid == 0) {
    fail("the process that the session was to be forked from is gone; run it again");
    return;
  }
  pid_ = pid;
  log("run").info("session_started run={} pid={}", id_.value, pid);
  services_.processes.expect(pid, [this](int wait_status) { session_exited(wait_status); });
  if (pending_signal_ != 0) signal_session(std::exchange(pending_signal_, 0));
}

void SessionRun::session_exited(int wait_status) {
  pid_ = 0;
  log("run").info("session_exited run={} how={:?}", id_.value, describe_wait_status(wait_status));
  if (distribution_ && !distribution_->finished()) distribution_->kill();
  end(wait_status);
}

void SessionRun::end(int wait_status, PlaceholderStreams::Printed printed) {
  if (!answered_) {
    answered_ = true;
    listener_.send_to_client(
        id_, protocol::RunFinished{id_.value, wait_status, std::move(printed.to_stdout),
                                   std::move(printed.to_stderr)});
  }
  end_when_done();
}

void SessionRun::fail(std::string message) {
  log("run").warn("run_failed run={} message={:?}", id_.value, message);
  if (!answered_) {
    answered_ = true;
    const bool tests_started = counted_ || (distribution_ && distribution_->tests_started());
    listener_.send_to_client(id_,
                             protocol::RunFailed{id_.value, std::move(message), tests_started});
  }
  end_when_done();
}

void SessionRun::end_when_done() {
  if (counted_) {
    counted_ = false;
    services_.dispatcher.post(scheduler::SessionEnded{id_});
  }
  close_control();
  if (distribution_ && !distribution_->finished()) {
    // Its workers are ending; ask again.
    kill_timer_ = services_.loop.after(std::chrono::milliseconds(20), [this] { end_when_done(); });
    return;
  }
  listener_.run_ended(id_);
}

// ---- the session's channel

void SessionRun::on_control(short events) {
  if (events & POLLOUT) control_->on_writable();
  for (const auto& received : control_->on_readable()) controller_said(received.message);
  if (!control_) return;
  if (!control_->closed()) {
    update_watch();
    return;
  }
  if (!control_->error().empty())
    log("run").warn("control_channel_failed run={} error={}", id_.value, control_->error());
  // A single session may close every descriptor that it has; a controller that does so can end
  // nothing any more.
  close_control();
  if (distribution_ && !distribution_->finished()) distribution_->cancel();
}

void SessionRun::controller_said(const protocol::Message& message) {
  if (const auto* open = std::get_if<protocol::OpenDistribution>(&message)) {
    if (distribution_) return;
    distribution_ = std::make_unique<Distribution>(services_, id_, spec_, open->distribution,
                                                   streams_[2].duplicate(),
                                                   static_cast<ControllerLink&>(*this));
    distribution_->open();
  } else if (std::holds_alternative<protocol::BeginDistribution>(message)) {
    if (distribution_) distribution_->begin();
  } else if (std::holds_alternative<protocol::CancelDistribution>(message)) {
    if (distribution_) distribution_->cancel();
  } else {
    log("run").warn("unexpected_message run={} index={}", id_.value, message.index());
  }
}

void SessionRun::enqueue(const protocol::Message& message) {
  if (control_) control_->enqueue(message);
}

void SessionRun::flush() {
  if (!control_) return;
  control_->flush();
  update_watch();
}

void SessionRun::update_watch() {
  if (!control_ || control_->closed()) return;
  services_.loop.change_events(
      control_->fd(), static_cast<short>(POLLIN | (control_->wants_write() ? POLLOUT : 0)));
}

void SessionRun::close_control() {
  if (!control_) return;
  services_.loop.unwatch(control_->fd());
  control_.reset();
}

// ---- the client

void SessionRun::message_received(const protocol::Message& message) {
  if (const auto* wanted = std::get_if<protocol::SignalRun>(&message)) {
    const auto number = static_cast<int>(wanted->signal);
    if (number > 0 && number < NSIG) signal_session(number);
  }
}

void SessionRun::signal_session(int number) {
  if (pid_ != 0) {
    signal_group(pid_, number);
  } else if (starting_) {
    pending_signal_ = number;
  } else if (wait_) {
    services_.pool.abandon(*wait_);
    wait_.reset();
    end(number == SIGINT ? as_wait_status(exit_code_interrupted) : number);
  }
}

void SessionRun::client_gone() {
  if (answered_) return;
  log("run").info("client_gone run={}", id_.value);
  answered_ = true;
  if (wait_) {
    services_.pool.abandon(*wait_);
    wait_.reset();
    end_when_done();
    return;
  }
  signal_session(SIGTERM);
  services_.loop.cancel(kill_timer_);
  kill_timer_ = services_.loop.after(kill_patience, [this] { kill(); });
}

void SessionRun::kill() {
  if (distribution_) distribution_->kill();
  if (pid_ != 0) signal_group(pid_, SIGKILL);
}

}  // namespace hearth::daemon
