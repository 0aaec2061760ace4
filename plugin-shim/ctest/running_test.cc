#include "plugin-shim/ctest/running_test.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace hearth::ctest {
namespace {

using Clock = RunningTest::Clock;

// What a test writes in many small pieces is read together: nobody is woken for each.
constexpr auto kGathering = std::chrono::milliseconds(4);
constexpr std::size_t kPiece = 4096;
constexpr auto kLeakTime = std::chrono::seconds(1);
constexpr Seconds kUsualGrace{1.0};

Clock::time_point after(Clock::time_point from, Seconds time) {
  // ctest's "no timeout" is 10,000,000 seconds, which the clock can hold.
  return from + std::chrono::duration_cast<Clock::duration>(time);
}

}  // namespace

RunningTest::RunningTest(const Test& test, CommandNumber number, protocol::Fd output, Limit limit,
                         Clock::time_point now)
    : test_(test),
      number_(number),
      output_(std::move(output)),
      limit_(limit),
      started_(now),
      reads_at_(now + kGathering),
      deadline_(after(now, limit.time)) {}

void RunningTest::read(Clock::time_point now, Expressions& expressions,
                       const TestOutput::Tell& tell) {
  std::array<char, 64 * 1024> buffer;
  const ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size > 0) {
    text_.add({buffer.data(), static_cast<std::size_t>(size)}, tell);
    look_for_match(now, expressions, tell);
    if (!process_ended_ && static_cast<std::size_t>(size) < kPiece) reads_at_ = now + kGathering;
    return;
  }
  end_output(tell);
  look_for_match(now, expressions, tell);
  finish_if_done(now);
}

void RunningTest::look_for_match(Clock::time_point now, Expressions& expressions,
                                 const TestOutput::Tell& tell) {
  if (!test_.timeout_after_match || has_matched_ || looked_at_ == text_.text().size()) return;
  looked_at_ = text_.text().size();
  const TimeoutAfterMatch& wanted = *test_.timeout_after_match;
  if (expressions.first_match(wanted.expressions, text_.text()) == nullptr) return;
  has_matched_ = true;
  if (tell) {
    tell("Test timeout changed to " +
         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(wanted.timeout).count()));
  }
  started_ = now;
  limit_ = {wanted.timeout, false};
  deadline_ = after(now, wanted.timeout);
}

void RunningTest::process_ended(const CommandEnded& how, Clock::time_point now) {
  process_ended_ = now;
  reads_at_.reset();
  if (const auto* exited = std::get_if<Exited>(&how)) {
    wait_status_ = exited->wait_status;
    if (exited->elapsed && !has_matched_) started_ = now - *exited->elapsed;
  } else {
    could_start_ = false;
    start_failure_ = std::get<NotStarted>(how).reason;
    output_.reset();
  }
  finish_if_done(now);
}

void RunningTest::end_output(const TestOutput::Tell& tell) {
  text_.end(tell);
  output_.reset();
}

void RunningTest::finish_if_done(Clock::time_point now) {
  if (!process_ended_ || output_) return;
  is_finished_ = true;
  ended_ = now;
}

bool RunningTest::output_may_decide() const {
  return !test_.pass_expressions.empty() || !test_.fail_expressions.empty() ||
         !test_.skip_expressions.empty() || test_.timeout_after_match.has_value();
}

std::optional<Clock::time_point> RunningTest::next_time() const {
  if (is_finished_ || is_killed_) return std::nullopt;
  if (reads_at_) return std::min(deadline_, *reads_at_);
  if (process_ended_ && !output_may_decide())
    return std::min(deadline_, *process_ended_ + kLeakTime);
  return deadline_;
}

void RunningTest::on_time(Clock::time_point now, Executor& executor, const TestOutput::Tell& tell) {
  if (reads_at_ && *reads_at_ <= now) {
    reads_at_.reset();
    return;  // what it has written by now is read before anything else is decided
  }
  if (is_finished_ || is_killed_) return;
  if (process_ended_ && !is_expired_ && !output_may_decide() &&
      now >= *process_ended_ + kLeakTime) {
    text_.end(tell);
    leaks_ = true;
    is_finished_ = true;
    ended_ = *process_ended_;
    return;
  }
  if (now < deadline_) return;
  const bool was_expired = std::exchange(is_expired_, true);
  if (!was_expired && !limit_.is_stop_time && test_.timeout_signal) {
    is_asked_ = true;
    executor.signal(number_, test_.timeout_signal->number);
    deadline_ = after(now, test_.timeout_grace_period.value_or(kUsualGrace));
    return;
  }
  is_asked_ = false;
  is_killed_ = true;
  output_.reset();  // a line that has not ended is lost, as with ctest
  if (!process_ended_) executor.kill(number_);
  finish_if_done(now);
}

Ending RunningTest::ending() const {
  if (!could_start_) return {};
  Ending ending = ending_of(wait_status_);
  if (is_expired_) {
    ending.kind = Ending::Kind::timed_out;
    ending.asked_to_end = is_asked_;
  }
  return ending;
}

}  // namespace hearth::ctest
