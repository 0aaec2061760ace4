#include "daemon/job_control.h"

#include <signal.h>

#include <utility>

#include "daemon/linux.h"
#include "daemon/process_table.h"

namespace hearth::daemon {
namespace {

// Programs that start others pass on what these have from the terminal already.
constexpr auto one_keypress = std::chrono::milliseconds(50);
// After the second SIGINT: for what plain pytest does then; for a controller's last words, which
// has no worker to wait for any more.
constexpr auto last_patience = std::chrono::seconds(1);
constexpr auto controller_patience = std::chrono::seconds(5);
constexpr auto quit_patience = std::chrono::seconds(2);
constexpr auto quit_interval = std::chrono::milliseconds(5);

}  // namespace

JobControl::JobControl(EventLoop& loop, Job& job, pid_t session, pid_t client,
                       const protocol::Fd& input)
    : loop_(loop),
      job_(job),
      session_(session),
      input_(input),
      session_watch_(loop, [this](bool is_stopped) { session_changed(is_stopped); }),
      client_watch_(loop, [this](bool is_stopped) { client_changed(is_stopped); }) {
  session_watch_.watch(session);
  client_watch_.watch(client);
}

void JobControl::signal(int number) {
  switch (number) {
    case SIGINT:
      interrupt();
      break;
    case SIGQUIT:
      quit();
      break;
    case SIGCONT:
      if (!std::exchange(has_gone_on_, false)) go_on();
      break;
    case SIGTSTP:
      session_watch_.expect_change();
      [[fallthrough]];
    case SIGTERM:
    case SIGHUP:
    case SIGWINCH:
      signal_group(session_, number);
      break;
    default:
      kill(session_, number);
  }
}

// ---- Ctrl-C

void JobControl::interrupt() {
  const auto now = Clock::now();
  if (has_as_input(session_, input_) || job_.has_lent_terminal()) interrupts_ = 0;
  if (interrupts_ > 0 && now - last_interrupt_ < one_keypress) return;
  last_interrupt_ = now;
  switch (++interrupts_) {
    case 1:
      signal_group(session_, SIGINT);
      break;
    case 2: {
      // A controller has understood the first.
      const bool is_controller = job_.kill_workers();
      if (!is_controller) signal_group(session_, SIGINT);
      timer_ = loop_.after(is_controller ? controller_patience : last_patience,
                           [this] { signal_group(session_, SIGKILL); });
      break;
    }
    default:
      signal_group(session_, SIGKILL);
  }
}

// ---- Ctrl-Z

void JobControl::go_on() {
  signal_group(session_, SIGCONT);
  session_watch_.expect_change();
}

void JobControl::session_changed(bool is_stopped) {
  job_.session_stopped(is_stopped);
  if (is_stopped && !stopped_with_client_) job_.stop_client();
}

void JobControl::client_changed(bool is_stopped) {
  if (is_stopped == session_watch_.is_stopped()) return;
  stopped_with_client_ = is_stopped;
  if (is_stopped) {
    signal_group(session_, SIGSTOP);
    session_watch_.expect_change();
  } else {
    has_gone_on_ = true;
    go_on();
  }
}

// ---- Ctrl-Backslash

void JobControl::quit() {
  quitting_ = job_.last_workers();
  if (!quitting_.empty()) {
    // It would report the loss of its workers meanwhile.
    session_watch_.watch(0);
    signal_group(session_, SIGSTOP);
    signal_group(quitting_.back(), SIGQUIT);
    quit_deadline_ = Clock::now() + quit_patience;
  }
  quit_next();
}

void JobControl::quit_next() {
  while (!quitting_.empty() && (kill(quitting_.back(), 0) != 0 || Clock::now() > quit_deadline_)) {
    quitting_.pop_back();
    if (!quitting_.empty()) signal_group(quitting_.back(), SIGQUIT);
    quit_deadline_ = Clock::now() + quit_patience;
  }
  if (quitting_.empty()) {
    signal_group(session_, SIGQUIT);
    signal_group(session_, SIGCONT);
  } else {
    timer_ = loop_.after(quit_interval, [this] { quit_next(); });
  }
}

}  // namespace hearth::daemon
