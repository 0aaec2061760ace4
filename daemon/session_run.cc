#include "daemon/session_run.h"

#include <signal.h>

#include <utility>
#include <variant>

#include "daemon/linux.h"
#include "daemon/log.h"
#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

constexpr auto kill_patience = std::chrono::seconds(1);  // from the client's death to SIGKILL
// From the loss of the zygote that was to fork the session until it is clear that it did not.
constexpr auto fork_patience = std::chrono::seconds(1);
constexpr int max_attempts = 3;

// For a session whose item takes too long to take down what it can.
constexpr auto overdue_patience = std::chrono::seconds(2);

constexpr int exit_code_tests_failed = 1;  // pytest's
constexpr int exit_code_interrupted = 2;   // likewise
constexpr int as_wait_status(int exit_code) { return exit_code << 8; }

// Whether a process that does nothing about this signal dies of it.
bool ends_by_default(int signal) {
  return signal != SIGCHLD && signal != SIGCONT && signal != SIGURG && signal != SIGWINCH &&
         signal != SIGTSTP;
}

// What a session that was ended for its item could not say itself.
std::string account_of(const ItemTimer::Overdue& overdue) {
  std::string text = fmt::format("\nhearth: {} took longer than {:g} s, so the run was ended\n",
                                 overdue.item, static_cast<double>(overdue.limit_ms) / 1000);
  const auto add = [&](const char* title, const std::string& part) {
    if (!part.empty()) text += fmt::format("\n{}:\n{}", title, part);
  };
  add("captured stdout", overdue.captured_stdout);
  add("captured stderr", overdue.captured_stderr);
  add("what its threads were doing", overdue.stack);
  return text;
}

}  // namespace

std::optional<WaitNotice::Awaited> SessionRun::awaited() const {
  if (!wait_) return std::nullopt;
  const auto stage = services_.pool.awaited_stage(*wait_);
  if (!stage) return std::nullopt;
  return WaitNotice::Awaited{*stage, false};
}

SessionRun::~SessionRun() {
  services_.loop.cancel(kill_timer_);
  services_.loop.cancel(fork_timer_);
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
    wait_notice_.end();
    acquired(std::move(result));
  });
  if (wants_waits_) wait_notice_.begin();
}

void SessionRun::looked_at(const protocol::Trace& trace) {
  if (wants_trace_ && !answered_) listener_.send_to_client(id_, trace);
}

void SessionRun::acquired(ZygotePool::Result result) {
  if (auto* failed = std::get_if<ZygotePool::Failed>(&result)) {
    fail(failed->message, failed->plain_fails_too);
  } else if (auto* ended = std::get_if<ZygotePool::Ended>(&result)) {
    end(ended->wait_status, std::move(ended->printed));
  } else {
    const auto& lease = std::get<ZygotePool::Lease>(result);
    start_session(lease);
  }
}

void SessionRun::start_session(const ZygotePool::Lease& lease) {
  auto control = protocol::socket_pair();
  auto data = protocol::socket_pair();  // sessions have nothing to say there, but the message's
                                        // shape is one for all
  if (!control || !data) {
    fail("cannot make a socket pair: hearthd has too many open files");
    return;
  }
  ++attempts_;
  control_ = std::make_unique<protocol::Channel>(std::move(control->first));
  services_.loop.watch(control_->fd(), POLLIN, [this](short events) { on_control(events); });

  protocol::StartProcess start;
  start.fork = lease.fork;
  start.spec = spec_;
  start.flavour = protocol::Flavour::session;
  auto printed = lease.zygote->printed();
  start.printed_stdout = std::move(printed.to_stdout);
  start.printed_stderr = std::move(printed.to_stderr);
  start.wants_trace = wants_trace_;
  start.awaits_terminal = wait_notice_.was_told();
  if (wants_trace_) looked_at({lease.zygote->whole_trace().files()});
  if (start.awaits_terminal) {
    ++unanswered_begins_;
    listener_.send_to_client(id_, protocol::RunBegins{id_.value});
  }
  std::vector<protocol::Fd> descriptors;
  descriptors.push_back(std::move(control->second));
  descriptors.push_back(std::move(data->second));
  for (const auto& stream : streams_) descriptors.push_back(stream.duplicate());

  executes_items_ = !lease.distributed;
  count();
  starting_ = true;
  listener_.send_beside_streams(id_, protocol::SessionStarting{id_.value});
  lease.zygote->start_process(std::move(start), std::move(descriptors),
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
    session_not_started();
    return;
  }
  pid_ = pid;
  log("run").info("session_started run={} pid={}", id_.value, pid);
  services_.processes.expect(pid, [this](int wait_status) { session_exited(wait_status); });
  job_control_ = std::make_unique<JobControl>(services_.loop, static_cast<JobControl::Job&>(*this),
                                              pid, client_, streams_[0]);
  for (const int number : std::exchange(pending_signals_, {})) signal_session(number);
  if (killed_) signal_group(pid, SIGKILL);
  if (early_limit_) limit_time(*std::exchange(early_limit_, std::nullopt));
  if (!control_) services_.processes.suspect(pid);
}

// The zygote is gone. It may have forked the session without having told: then the session's end of
// the channel is open somewhere, and to start another would run the tests twice.
void SessionRun::session_not_started() {
  log("run").warn("session_not_started run={} attempt={}", id_.value, attempts_);
  uncount();
  lost_zygote_ = true;
  if (!control_) {
    start_again();
    return;
  }
  services_.loop.cancel(fork_timer_);
  fork_timer_ = services_.loop.after(fork_patience, [this] {
    attempts_ = max_attempts;
    unsure_ = true;
    start_again();
  });
}

void SessionRun::start_again() {
  services_.loop.cancel(fork_timer_);
  lost_zygote_ = false;
  close_control();
  if (answered_) {
    end_when_done();
  } else if (attempts_ >= max_attempts) {
    fail("the process that the session was to be forked from is gone; run it again");
  } else {
    start();
    for (const int number : std::exchange(pending_signals_, {})) signal_session(number);
  }
}

void SessionRun::session_exited(int wait_status) {
  pid_ = 0;
  if (job_control_->was_interrupted_for_good() && wait_status == SIGKILL) wait_status = SIGINT;
  job_control_.reset();
  log("run").info("session_exited run={} how={:?}", id_.value, describe_wait_status(wait_status));
  // What it said before it ended.
  if (control_ && (!begun_ || wants_trace_)) on_control(POLLIN);
  if (!begun_ && !signalled_) {
    session_not_started();
    return;
  }
  if (distribution_) distribution_->controller_gone();
  if (item_timer_ && !overdue_) overdue_ = item_timer_->overdue_at_its_end();
  item_timer_.reset();
  if (overdue_) {
    end(as_wait_status(exit_code_tests_failed), {{}, account_of(*overdue_)});
  } else {
    end(wait_status);
  }
}

void SessionRun::limit_time(const protocol::TimeLimit& limit) {
  if (pid_ == 0) {
    early_limit_ = limit;
    return;
  }
  if (!item_timer_) {
    const auto hear = [this] {
      if (control_) on_control(POLLIN);
    };
    item_timer_ = std::make_unique<ItemTimer>(
        services_.loop, pid_, hear,
        [this](ItemTimer::Overdue overdue) { end_overdue(std::move(overdue)); });
  }
  item_timer_->begin(limit);
}

// The session is the item's own process: with it ends the run. Its client is told what it was.
void SessionRun::end_overdue(ItemTimer::Overdue overdue) {
  if (pid_ == 0 || ended_) return;
  overdue_ = std::move(overdue);
  signalled_ = true;
  signal_group(pid_, SIGTERM);
  services_.loop.cancel(kill_timer_);
  kill_timer_ = services_.loop.after(overdue_patience, [this] {
    if (pid_ != 0) signal_group(pid_, SIGKILL);
  });
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

void SessionRun::fail(std::string message, bool plain_fails_too) {
  answer_failed(std::move(message), plain_fails_too);
  end_when_done();
}

void SessionRun::answer_failed(std::string message, bool plain_fails_too) {
  log("run").warn("run_failed run={} message={:?}", id_.value, message);
  if (std::exchange(answered_, true)) return;
  const bool may_have_begun = pid_ != 0 || starting_ || lost_zygote_ || unsure_ || begun_;
  listener_.send_to_client(
      id_, protocol::RunFailed{id_.value, std::move(message), may_have_begun, plain_fails_too});
}

void SessionRun::count() {
  if (executes_items_ && !std::exchange(counted_, true))
    services_.dispatcher.post(scheduler::SessionStarted{id_});
}

void SessionRun::uncount() {
  if (std::exchange(counted_, false)) services_.dispatcher.post(scheduler::SessionEnded{id_});
}

void SessionRun::end_when_done() {
  ended_ = true;
  uncount();
  close_control();
  if (!distribution_ || distribution_->finished()) listener_.run_ended(id_);
}

void SessionRun::distribution_finished() {
  if (ended_) listener_.run_ended(id_);
}

// ---- the session's channel

void SessionRun::on_control(short events) {
  if (events & POLLOUT) control_->on_writable();
  for (const auto& received : control_->on_readable()) controller_said(received.message);
  if (!control_) return;
  if (control_->closed()) {
    control_lost();
  } else {
    update_watch();
  }
}

// A single session may close every descriptor that it has; a controller that does so can end
// nothing any more.
void SessionRun::control_lost() {
  if (!control_->error().empty())
    log("run").warn("control_channel_failed run={} error={}", id_.value, control_->error());
  close_control();
  if (pid_ != 0) services_.processes.suspect(pid_);
  if (distribution_) distribution_->cancel();
  if (lost_zygote_) start_again();
}

void SessionRun::controller_said(const protocol::Message& message) {
  if (const auto* open = std::get_if<protocol::OpenDistribution>(&message)) {
    if (distribution_) return;
    Streams streams;
    for (std::size_t i = 0; i < streams.size(); ++i) streams[i] = streams_[i].duplicate();
    distribution_ = std::make_unique<Distribution>(services_, id_, spec_, open->distribution,
                                                   std::move(streams), open->shows_output,
                                                   static_cast<ControllerLink&>(*this));
    distribution_->open();
  } else if (std::holds_alternative<protocol::SessionBegun>(message)) {
    begun_ = true;
  } else if (const auto* trace = std::get_if<protocol::Trace>(&message)) {
    looked_at(*trace);
  } else if (const auto* limit = std::get_if<protocol::TimeLimit>(&message)) {
    limit_time(*limit);
  } else if (!(distribution_ && distribution_->controller_said(message))) {
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
  if (!control_->closed()) return;
  // The session is alive and would wait for ever for what could not be sent.
  services_.loop.defer([this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && control_ && control_->closed()) control_lost();
  });
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
  } else if (std::holds_alternative<protocol::TerminalLeft>(message)) {
    if (--unanswered_begins_ != 0) return;  // it was for one that is started again
    enqueue(message);
    flush();
  }
}

void SessionRun::signal_session(int number) {
  if (job_control_) {
    signalled_ = signalled_ || ends_by_default(number);
    job_control_->signal(number);
  } else if (starting_ || lost_zygote_) {
    pending_signals_.push_back(number);
  } else if (wait_) {
    signal_beginning(number);
  }
}

// There is no process yet for it.
void SessionRun::signal_beginning(int number) {
  const auto bit = std::uint64_t{1} << (number - 1);
  if (((spec_.context.ignored_signals | spec_.context.blocked_signals) & bit) != 0) return;
  if (number == SIGTSTP) {
    stop_client();
  } else if (ends_by_default(number)) {
    services_.pool.abandon(*wait_);
    wait_.reset();
    if (number == SIGINT) {
      end(as_wait_status(exit_code_interrupted), {interrupted_summary(), {}});
    } else {
      end(number);
    }
  }
}

// In pytest's words.
std::string SessionRun::interrupted_summary() const {
  const auto terminal = terminal_of(streams_[1].get());
  const auto rule = [&](char fill, const std::string& title) {
    const std::size_t width =
        terminal.is_terminal && terminal.columns >= 40 ? terminal.columns : 80;
    const std::size_t fills = width - title.size() - 2;
    return std::string(fills / 2, fill) + " " + title + " " + std::string(fills - fills / 2, fill) +
           "\n";
  };
  const std::chrono::duration<double> elapsed = Clock::now() - submitted_;
  return "\n" + rule('!', "KeyboardInterrupt") +
         rule('=', fmt::format("no tests ran in {:.2f}s", elapsed.count()));
}

// ---- its part of job control

void SessionRun::session_stopped(bool is_stopped) {
  if (item_timer_) item_timer_->hold(is_stopped);
  if (distribution_) distribution_->hold_workers(is_stopped);
  if (is_stopped) {
    uncount();  // its slot is somebody else's meanwhile
  } else {
    count();
  }
}

void SessionRun::stop_client() {
  listener_.send_to_client(id_, protocol::SignalRun{id_.value, SIGTSTP});
}

bool SessionRun::has_lent_terminal() { return distribution_ && distribution_->has_lent_terminal(); }

bool SessionRun::kill_workers() {
  if (!distribution_ || distribution_->finished()) return false;
  distribution_->kill({});
  return true;
}

std::vector<pid_t> SessionRun::last_workers() {
  return distribution_ ? distribution_->abandon_workers() : std::vector<pid_t>();
}

void SessionRun::client_gone() {
  if (answered_ || ended_) return;
  log("run").info("client_gone run={}", id_.value);
  answered_ = true;
  if (wait_) {
    services_.pool.abandon(*wait_);
    wait_.reset();
    end_when_done();
    return;
  }
  signal_session(SIGTERM);
  signal_session(SIGCONT);  // should it be stopped
  services_.loop.cancel(kill_timer_);
  kill_timer_ = services_.loop.after(kill_patience, [this] { kill("the client is gone"); });
}

void SessionRun::kill(const std::string& reason) {
  killed_ = true;
  if (ended_) return;
  if (distribution_) distribution_->kill(reason);
  if (wait_) {
    services_.pool.abandon(*wait_);
    wait_.reset();
    fail(reason);
    return;
  }
  if (!answered_) answer_failed(reason);
  if (pid_ != 0) {
    signalled_ = true;
    signal_group(pid_, SIGKILL);
  }
}

}  // namespace hearth::daemon
