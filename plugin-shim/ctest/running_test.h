// One execution of one test: its output, its time, its end.
//
// It has ended when its process has, and nobody else holds its output. What a test leaves behind
// that holds it is waited for only where the output may still decide something, for the test has
// expressions: else, a second after its process, the test counts as ended, and as leaking. (ctest
// waits, and takes the wait for the test's time.)
//
// Its time is up at the deadline. Then, if the test wants that, its signal and a time of grace;
// after that its processes are killed, and what they may still write does not count.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "plugin-shim/ctest/executor.h"
#include "plugin-shim/ctest/test.h"
#include "plugin-shim/ctest/test_output.h"
#include "plugin-shim/ctest/verdict.h"
#include "protocol/fd.h"

namespace hearth::ctest {

class RunningTest {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limit {
    Seconds time{};
    bool is_stop_time = false;  // the whole run's, which knows no mercy
  };

  // `output`: the end to read from.
  RunningTest(const Test& test, CommandNumber number, protocol::Fd output, Limit limit,
              Clock::time_point now);

  const Test& test() const { return test_; }
  CommandNumber number() const { return number_; }
  Clock::time_point started() const { return started_; }
  // To be waited for. Negative: nothing more comes, or next_time() is to come first.
  int output_fd() const { return reads_at_ ? -1 : output_.get(); }
  const TestOutput& output() const { return text_; }

  // Something is there to be read, or the end.
  void read(Clock::time_point now, Expressions& expressions, const TestOutput::Tell& tell);
  // The process has ended, with this; or it was never there.
  void process_ended(const CommandEnded& how, Clock::time_point now);

  // When on_time() is to be called; it looks at the clock itself.
  std::optional<Clock::time_point> next_time() const;
  void on_time(Clock::time_point now, Executor& executor, const TestOutput::Tell& tell);

  // None: there is one.
  std::optional<Clock::time_point> process_ended_at() const { return process_ended_; }
  bool is_finished() const { return is_finished_; }
  // Of one that is finished.
  Ending ending() const;
  Seconds time() const { return ended_ - started_; }
  bool leaks() const { return leaks_; }
  bool stopped_by_stop_time() const { return is_expired_ && limit_.is_stop_time; }
  const std::string& start_failure() const { return start_failure_; }
  // Of one that leaks: what it left behind may go on writing.
  protocol::Fd take_output() { return std::move(output_); }

 private:
  void end_output(const TestOutput::Tell& tell);
  void finish_if_done(Clock::time_point now);
  void look_for_match(Clock::time_point now, Expressions& expressions,
                      const TestOutput::Tell& tell);
  bool output_may_decide() const;

  const Test& test_;
  CommandNumber number_;
  protocol::Fd output_;
  Limit limit_;
  TestOutput text_;
  std::size_t looked_at_ = 0;  // of text_, for a match that changes the time
  bool has_matched_ = false;
  Clock::time_point started_;
  std::optional<Clock::time_point> reads_at_;  // the output, and not before
  Clock::time_point deadline_;
  Clock::time_point ended_;
  std::optional<Clock::time_point> process_ended_;
  int wait_status_ = 0;
  std::string start_failure_;
  bool could_start_ = true;
  bool is_expired_ = false;
  bool is_asked_ = false;  // by the test's own signal
  bool is_killed_ = false;
  bool leaks_ = false;
  bool is_finished_ = false;
};

}  // namespace hearth::ctest
