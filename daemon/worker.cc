#include "daemon/worker.h"

#include <signal.h>

#include <utility>
#include <variant>

#include "daemon/log.h"
#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

// A worker that closed its channel without ending (a test that closes every descriptor) can report
// nothing any more.
constexpr auto silent_worker_patience = std::chrono::seconds(10);
// One that has finished its session and does not end (a thread that goes on) is ended, as xdist
// does after the same time.
constexpr auto finished_worker_patience = std::chrono::seconds(10);
// For what it has set up to be taken down by a handler of SIGTERM.
constexpr auto overdue_worker_patience = std::chrono::seconds(2);

}  // namespace

Worker::Worker(EventLoop& loop, ProcessTable& processes, Listener& listener, scheduler::WorkerId id,
               std::string name)
    : loop_(loop), processes_(processes), listener_(listener), id_(id), name_(std::move(name)) {}

Worker::~Worker() {
  loop_.cancel(kill_timer_);
  if (control_) loop_.unwatch(control_->fd());
  if (pid_ != 0 && !exited_) processes_.forget(pid_);
}

std::string Worker::open(protocol::Fd& control, protocol::Fd& data) {
  auto control_pair = protocol::socket_pair();
  auto data_pair = protocol::socket_pair();
  if (!control_pair || !data_pair) return "cannot make a socket pair: too many open files?";
  control_ = std::make_unique<protocol::Channel>(std::move(control_pair->first));
  data_ = std::make_unique<protocol::Channel>(std::move(data_pair->first));
  control = std::move(control_pair->second);
  data = std::move(data_pair->second);
  loop_.watch(control_->fd(), POLLIN, [this](short events) { on_control(events); });
  return {};
}

std::string Worker::open_output(protocol::Fd& stdout_end, protocol::Fd& stderr_end) {
  outputs_[0] = make_output(1);
  outputs_[1] = make_output(2);
  stdout_end = outputs_[0]->open();
  stderr_end = outputs_[1]->open();
  return stdout_end && stderr_end ? "" : "cannot make a pipe: too many open files?";
}

std::unique_ptr<WorkerOutput> Worker::make_output(int stream) {
  return std::make_unique<WorkerOutput>(
      loop_, [this] { return listener_.wants_data(); },
      [this, stream](std::string lines) {
        listener_.printed(*this, stream, std::move(lines));
        listener_.data_drained();
      });
}

void Worker::started(pid_t pid) {
  pid_ = pid;
  processes_.expect(pid, [this](int wait_status) {
    exited_ = true;
    loop_.cancel(kill_timer_);
    read_data();
    for (const auto& each : outputs_) {
      if (each) each->finish();
    }
    listener_.worker_exited(*this, wait_status);
  });
}

void Worker::send(const protocol::Message& message, std::vector<protocol::Fd> descriptors) {
  if (!control_ || control_->closed()) return;
  control_->send(message, std::move(descriptors));
  if (control_->closed()) {  // it would wait for ever for what could not be sent
    signal(SIGKILL);
    control_lost();
    return;
  }
  update_watch();
}

void Worker::read_data() {
  // In this order: what was printed before something was said is there when that is read.
  auto batch = data_ ? data_->on_readable() : std::vector<protocol::Received>();
  for (const auto& each : outputs_) {
    if (each) each->read();
  }
  for (auto& received : batch) {
    if (auto* done = std::get_if<protocol::WorkerFinished>(&received.message)) {
      finished = true;
      output = std::move(done->output);
      if (!exited_) end_within(finished_worker_patience);
    }
    listener_.data_received(*this, std::move(received.message));
    if (!data_) break;
  }
  if (!batch.empty()) listener_.data_drained();
  if (data_ && data_->closed() && !data_->error().empty()) {
    log("worker").warn("data_channel_failed worker={} pid={} error={}", name(), pid_,
                       data_->error());
    distrust();
  }
}

void Worker::distrust() {
  data_.reset();
  if (!exited_) signal(SIGKILL);
}

void Worker::end_overdue() {
  data_.reset();
  if (exited_) return;
  signal(SIGTERM);
  end_within(overdue_worker_patience);
}

void Worker::on_control(short events) {
  if (events & POLLOUT) control_->on_writable();
  auto received = control_->on_readable();
  for (auto& each : received) {
    if (std::holds_alternative<protocol::LastWords>(each.message))
      last_words = LastWords(std::move(each.descriptors));
  }
  if (!received.empty() && listener_.wants_data()) read_data();
  if (!control_) return;
  if (control_->closed()) {
    control_lost();
  } else {
    update_watch();
  }
}

void Worker::control_lost() {
  loop_.unwatch(control_->fd());
  control_.reset();
  if (exited_) return;
  if (pid_ != 0) processes_.suspect(pid_);
  end_within(silent_worker_patience);
}

void Worker::end_within(Clock::duration patience) {
  loop_.cancel(kill_timer_);
  kill_timer_ = loop_.after(patience, [this] {
    if (exited_) return;
    signal(SIGKILL);
    kill_timer_ = loop_.after(std::chrono::seconds(1), [this] {
      if (!exited_ && pid_ != 0) processes_.exited(pid_, SIGKILL);
    });
  });
}

void Worker::update_watch() {
  if (!control_ || control_->closed()) return;
  loop_.change_events(control_->fd(),
                      static_cast<short>(POLLIN | (control_->wants_write() ? POLLOUT : 0)));
}

}  // namespace hearth::daemon
