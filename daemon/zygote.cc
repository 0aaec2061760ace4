#include "daemon/zygote.h"

#include <signal.h>

#include <utility>

#include "daemon/log.h"
#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

// How long a zygote whose channel is gone may take to be reaped before its death is taken for
// granted.
constexpr auto reaping_patience = std::chrono::seconds(1);

}  // namespace

Zygote::Zygote(EventLoop& loop, ProcessTable& processes, Listener& listener, StageKey key,
               protocol::WorkerIdentity identity, Zygote* parent)
    : loop_(loop),
      processes_(processes),
      listener_(listener),
      key_(std::move(key)),
      identity_(std::move(identity)),
      parent_(parent),
      streams_(loop) {}

Zygote::~Zygote() {
  loop_.cancel(lost_timer_);
  close_channel();
  if (pid_ != 0) processes_.forget(pid_);
}

std::string Zygote::open_channel(protocol::Fd& theirs) {
  auto pair = protocol::socket_pair();
  if (!pair) return "cannot make a socket pair: " + pair.error().message();
  channel_ = std::make_unique<protocol::Channel>(std::move(pair->first));
  theirs = std::move(pair->second);
  loop_.watch(channel_->fd(), POLLIN, [this](short events) { on_events(events); });
  if (auto opened = streams_.open(key_.shape); !opened) return opened.error();
  return {};
}

std::string Zygote::spawn_interpreter(const std::string& zygote_program) {
  protocol::Fd theirs;
  if (auto error = open_channel(theirs); !error.empty()) return error;
  SpawnRequest request;
  request.program = key_.spec.python;
  request.arguments = {key_.spec.python, zygote_program, "3"};
  request.environment = key_.spec.environment;
  request.directory = "/";
  request.control = theirs.get();
  const auto streams = streams_.descriptors();
  std::copy(streams.begin(), streams.end(), request.streams);
  auto pid = spawn(request);
  if (!pid) return pid.error();
  adopt_pid(*pid);
  return {};
}

std::string Zygote::build_from_parent(const ProcessRequest& request) {
  protocol::Fd theirs;
  if (auto error = open_channel(theirs); !error.empty()) return error;
  protocol::BuildStage build;
  build.request = parent_->next_request_++;
  build.stage = key_.stage;
  build.flavour = request.flavour;
  build.spec = request.spec;
  build.identity = request.identity;
  build.distribution = request.distribution;
  auto descriptors = streams_.duplicates();
  descriptors.insert(descriptors.begin(), std::move(theirs));
  parent_->requests_[build.request] = Request{[this, alive = std::weak_ptr(alive_)](pid_t pid) {
    if (alive.expired()) return;
    if (pid != 0) {
      adopt_pid(pid);
    } else if (state_ == State::building) {
      set_ended(SIGKILL);  // the parent is gone and will tell no more
    }
  }};
  ++parent_->served_;
  parent_->last_used_ = Clock::now();
  parent_->channel_->send(build, std::move(descriptors));
  parent_->update_watch();
  return {};
}

void Zygote::start_process(protocol::StartProcess start, std::vector<protocol::Fd> descriptors,
                           std::function<void(pid_t)> on_started) {
  last_used_ = Clock::now();
  ++served_;
  if (!channel_ || channel_->closed()) {
    loop_.defer([on_started = std::move(on_started)] { on_started(0); });
    return;
  }
  start.request = next_request_++;
  if (start.fork) {
    requests_[start.request] = Request{std::move(on_started)};
    channel_->send(start, std::move(descriptors));
    update_watch();
    return;
  }
  // The process stops being a zygote: whoever asked takes over its pid, and this end of the
  // channel.
  state_ = State::retiring;
  const auto pid = std::exchange(pid_, 0);
  processes_.forget(pid);
  channel_->send(start, std::move(descriptors));
  loop_.defer([this, alive = std::weak_ptr(alive_), pid, on_started = std::move(on_started)] {
    on_started(pid);
    if (!alive.expired()) set_ended(0);
  });
}

void Zygote::adopt_pid(pid_t pid) {
  pid_ = pid;
  processes_.expect(pid, [this](int wait_status) {
    // What it said before it ended is still to be read (stage_failed).
    pid_ = 0;
    if (channel_) on_events(POLLIN);
    if (state_ != State::ended) set_ended(wait_status);
  });
}

void Zygote::retire() {
  if (state_ != State::ready && state_ != State::building && state_ != State::refused) return;
  state_ = State::retiring;
  if (holders_ == 0) send_retire();
}

void Zygote::release() {
  if (--holders_ == 0 && state_ == State::retiring) send_retire();
}

void Zygote::send_retire() {
  if (!channel_) return;
  channel_->send(protocol::Retire{});
  update_watch();
}

void Zygote::kill() {
  if (state_ == State::ended) return;
  if (pid_ != 0) {
    signal_group(pid_, SIGKILL);
  } else {
    close_channel();  // not forked yet: it ends by itself when it finds nobody there
    loop_.defer([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired() && state_ != State::ended) set_ended(SIGKILL);
    });
  }
}

Trace Zygote::whole_trace() const {
  Trace whole = parent_ ? parent_->whole_trace() : Trace{};
  whole.add(trace_);
  return whole;
}

std::size_t Zygote::files() const { return trace_.size() + (parent_ ? parent_->files() : 0); }

bool Zygote::serves(const ProcessRequest& request) const {
  return reads_fit(ready_.environment, request) && (!parent_ || parent_->serves(request));
}

PlaceholderStreams::Printed Zygote::printed() {
  if (!parent_ || key_.flavour == protocol::Flavour::worker) return printed_;
  auto all = parent_->printed();
  all.to_stdout += printed_.to_stdout;
  all.to_stderr += printed_.to_stderr;
  return all;
}

void Zygote::on_events(short events) {
  if (events & POLLOUT) channel_->on_writable();
  for (auto& received : channel_->on_readable()) {
    on_message(std::move(received));
    if (!channel_) return;
  }
  update_watch();
  if (channel_ && channel_->closed()) channel_lost();
}

void Zygote::on_message(protocol::Received received) {
  if (auto* ready = std::get_if<protocol::StageReady>(&received.message)) {
    if (state_ != State::building) return;
    ready_ = std::move(*ready);
    key_.stage = ready_.stage;
    trace_.add(std::exchange(ready_.files, {}));
    printed_ = streams_.printed();
    state_ = ready_.refusal.empty() ? State::ready : State::refused;
    last_used_ = Clock::now();
    log("zygote").info(
        "stage_ready pid={} stage={} flavour={} files={} ms={} refusal={:?}", pid_,
        to_string(key_.stage), to_string(key_.flavour), trace_.size(),
        std::chrono::duration_cast<std::chrono::milliseconds>(last_used_ - build_started_).count(),
        ready_.refusal);
    listener_.stage_reached(*this);
  } else if (const auto* failed = std::get_if<protocol::StageFailed>(&received.message)) {
    failure_ = failed->message;
  } else if (const auto* forked = std::get_if<protocol::Forked>(&received.message)) {
    on_forked(*forked);
  } else if (const auto* exited = std::get_if<protocol::ChildExited>(&received.message)) {
    processes_.exited(static_cast<pid_t>(exited->pid), static_cast<int>(exited->wait_status));
  } else {
    log("zygote").warn("unexpected_message pid={} index={}", pid_, received.message.index());
  }
}

void Zygote::on_forked(const protocol::Forked& forked) {
  auto node = requests_.extract(forked.request);
  if (!node.empty()) node.mapped().on_answer(static_cast<pid_t>(forked.pid));
}

void Zygote::channel_lost() {
  if (!channel_->error().empty())
    log("zygote").warn("channel_failed pid={} error={}", pid_, channel_->error());
  close_channel();
  for (auto& [request, waiting] : std::exchange(requests_, {})) waiting.on_answer(0);
  if (state_ == State::ended || pid_ == 0) return;
  lost_timer_ = loop_.after(reaping_patience, [this] {
    if (state_ == State::ended) return;
    if (pid_ != 0) signal_group(pid_, SIGKILL);
    lost_timer_ = loop_.after(reaping_patience, [this] {
      if (state_ != State::ended) set_ended(SIGKILL);
    });
  });
}

void Zygote::set_ended(int wait_status) {
  // A stage that did not pause: what it printed until its end is what a run would have printed.
  if (state_ == State::building) printed_ = streams_.printed();
  state_ = State::ended;
  wait_status_ = wait_status;
  loop_.cancel(lost_timer_);
  if (pid_ != 0) processes_.forget(std::exchange(pid_, 0));
  close_channel();
  for (auto& [request, waiting] : std::exchange(requests_, {})) waiting.on_answer(0);
  listener_.process_ended(*this);
}

void Zygote::update_watch() {
  if (channel_ && !channel_->closed()) {
    loop_.change_events(channel_->fd(),
                        static_cast<short>(POLLIN | (channel_->wants_write() ? POLLOUT : 0)));
  }
}

void Zygote::close_channel() {
  if (!channel_) return;
  loop_.unwatch(channel_->fd());
  channel_.reset();
}

}  // namespace hearth::daemon
