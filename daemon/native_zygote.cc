#include "daemon/native_zygote.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <utility>

#include "daemon/log.h"
#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

constexpr std::string_view preload = "LD_PRELOAD=";
constexpr std::string_view zygote_variable = "HEARTH_ZYGOTE=";
// Far more than are ordered ahead.
constexpr std::size_t remembered_exits = 1024;

// With the libraries before the user's own; the last of them takes all of this out again when it is
// loaded.
std::vector<std::string> with_libraries(std::vector<std::string> environment,
                                        const std::vector<std::string>& first,
                                        const std::string& library) {
  std::string libraries;
  for (const auto& name : first) libraries += name + ":";
  libraries += library;
  std::erase_if(environment, [](const auto& entry) { return entry.starts_with(zygote_variable); });
  const auto theirs = std::find_if(environment.begin(), environment.end(),
                                   [](const auto& entry) { return entry.starts_with(preload); });
  if (theirs == environment.end()) {
    environment.push_back(std::string(preload) + libraries);
  } else {
    theirs->insert(preload.size(), libraries + ":");
  }
  // What forks would each look up for themselves is looked up once.
  const bool binds = std::none_of(environment.begin(), environment.end(), [](const auto& entry) {
    return entry.starts_with("LD_BIND_NOW=");
  });
  if (binds) environment.emplace_back("LD_BIND_NOW=1");
  environment.push_back(std::string(zygote_variable) + (binds ? "3+" : "3"));
  return environment;
}

std::int64_t clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

NativeZygote::NativeZygote(EventLoop& loop, ProcessTable& processes, Listener& listener,
                           NativeKey key, Clock::duration patience)
    : loop_(loop),
      processes_(processes),
      listener_(listener),
      key_(std::move(key)),
      patience_(patience),
      streams_(loop) {}

NativeZygote::~NativeZygote() {
  loop_.cancel(patience_timer_);
  close_channel();
  if (pid_ != 0) processes_.forget(pid_);
}

std::string NativeZygote::spawn(const std::string& library, const std::vector<std::string>& first) {
  auto pair = protocol::socket_pair();
  if (!pair) return "cannot make a socket pair: " + pair.error().message();
  if (auto opened = streams_.open(key_.shape); !opened) return opened.error();
  channel_ = std::make_unique<protocol::Channel>(std::move(pair->first));
  std::error_code error;
  const auto program = std::filesystem::canonical(key_.program, error);
  channel_->send(protocol::PrepareMain{program.string(), clock_ns(), key_.context, trace_.files()});
  SpawnRequest request;
  request.program = key_.program;
  request.arguments = {key_.name};
  request.environment = with_libraries(key_.environment.entries(), first, library);
  request.directory = key_.directory;
  request.control = pair->second.get();
  request.umask = key_.umask;
  const auto streams = streams_.descriptors();
  std::copy(streams.begin(), streams.end(), request.streams);
  auto pid = daemon::spawn(request);
  if (!pid) return pid.error();
  pid_ = *pid;
  log("native").info("native_zygote_started pid={} program={:?}", pid_, key_.program);
  processes_.expect(pid_, [this](int wait_status) { ended(wait_status); });
  loop_.watch(channel_->fd(), POLLIN, [this](short events) { on_events(events); });
  patience_timer_ = loop_.after(patience_, [this] {
    end_ = "does not come to main";
    kill();
  });
  return {};
}

void NativeZygote::fork_command(protocol::ForkCommand order,
                                std::vector<protocol::Fd> descriptors) {
  last_used_ = Clock::now();
  ++served_;
  running_.insert(order.number);
  order.printed_stdout = printed_.to_stdout;
  order.printed_stderr = printed_.to_stderr;
  channel_->send(std::move(order), std::move(descriptors));
  update_watch();
}

void NativeZygote::withdraw_command(std::uint64_t number) {
  if (!channel_) return;
  channel_->send(protocol::WithdrawCommand{number});
  update_watch();
}

void NativeZygote::signal_command(std::uint64_t number, int signal, bool whole_tree) {
  if (!channel_) return;
  channel_->send(protocol::SignalCommand{number, static_cast<std::uint64_t>(signal), whole_tree});
  update_watch();
}

void NativeZygote::retire() {
  if (state_ != State::ready) return;
  state_ = State::retiring;
  channel_->send(protocol::Retire{});
  update_watch();
}

void NativeZygote::kill() {
  // It ends its children itself when it is told so by the channel's end.
  if (state_ == State::building || state_ == State::ended) {
    signal_group(pid_, SIGKILL);
  } else {
    state_ = State::retiring;
    close_channel();
  }
}

void NativeZygote::on_events(short events) {
  if ((events & POLLOUT) != 0) channel_->on_writable();
  for (const auto& received : channel_->on_readable()) on_message(received.message);
  if (!channel_) return;
  if (channel_->closed()) {
    if (!channel_->error().empty())
      log("native").warn("channel_failed pid={} error={:?}", pid_, channel_->error());
    close_channel();
    // A program that has closed it without coming to main goes on as the command would.
    signal_group(pid_, SIGKILL);
    processes_.suspect(pid_);
  } else {
    update_watch();
  }
}

void NativeZygote::on_message(const protocol::Message& message) {
  if (const auto* ready = std::get_if<protocol::StageReady>(&message)) {
    if (state_ != State::building) return;
    loop_.cancel(patience_timer_);
    state_ = State::ready;
    trace_.add(ready->files);
    findings_ = ready->findings;
    printed_ = streams_.printed();
    log("native").info("native_zygote_ready pid={} files={}", pid_, trace_.size());
    listener_.main_reached(*this);
  } else if (const auto* exited = std::get_if<protocol::CommandExited>(&message)) {
    running_.erase(exited->number);
    exited_.insert(exited->number);
    if (exited_.size() > remembered_exits) exited_.erase(exited_.begin());
    last_used_ = Clock::now();
    listener_.command_exited(*this, *exited);
  } else if (const auto* refused = std::get_if<protocol::CommandRefused>(&message)) {
    running_.erase(refused->number);
    listener_.command_refused(*this, *refused);
  } else if (const auto* withdrawn = std::get_if<protocol::CommandWithdrawn>(&message)) {
    running_.erase(withdrawn->number);
    --served_;
    listener_.command_withdrawn(*this, *withdrawn);
  }
}

void NativeZygote::update_watch() {
  if (!channel_ || channel_->closed()) return;
  loop_.change_events(channel_->fd(),
                      static_cast<short>(POLLIN | (channel_->wants_write() ? POLLOUT : 0)));
}

void NativeZygote::close_channel() {
  if (!channel_) return;
  loop_.unwatch(channel_->fd());
  channel_.reset();
}

void NativeZygote::ended(int wait_status) {
  // What it has said before; but nothing is forked from it any more.
  if (channel_) {
    for (const auto& received : channel_->on_readable()) {
      if (std::holds_alternative<protocol::CommandExited>(received.message) ||
          std::holds_alternative<protocol::CommandWithdrawn>(received.message))
        on_message(received.message);
    }
  }
  log("native").info("native_zygote_ended pid={} how={:?}", pid_,
                     describe_wait_status(wait_status));
  if (end_.empty())
    end_ = (state_ == State::building ? "ends before main: it " : "") +
           describe_wait_status(wait_status);
  state_ = State::ended;
  pid_ = 0;
  loop_.cancel(patience_timer_);
  close_channel();
  listener_.process_ended(*this);
}

protocol::ZygoteStatus NativeZygote::status() const {
  protocol::ZygoteStatus status;
  status.pid = static_cast<std::uint64_t>(pid_);
  status.stage = protocol::Stage::main;
  status.flavour = protocol::Flavour::command;
  status.state = state_ == State::building ? "building"
                 : state_ == State::ready  ? "ready"
                                           : "retiring";
  status.python = key_.program;
  status.directory = key_.directory;
  status.args = {key_.name};
  status.served = served_;
  status.files = trace_.size();
  status.pss_bytes = pss_bytes(pid_);
  status.age_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_).count());
  return status;
}

}  // namespace hearth::daemon
