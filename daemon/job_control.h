// What the keyboard and a shell do with a job in the foreground, done with the session of a run: it
// is in no job of the user's shell, only its client is.
//
// - The signals that a terminal sends go to the session's process group, others to the session.
// - When the session stops, its workers do, and the client is asked to, for the shell to see. When
//   the client is stopped (or goes on), so is (does) the session.
// - SIGINT is pytest's own. The second ends the run at once; not, however, while the session or one
//   of its workers has the terminal as its input: whoever reads it (a debugger) has uses for
//   Ctrl-C.
// - SIGQUIT: the workers and then the session tell where they are and die of it, one by one, so
//   that their texts stay apart.
//
// Used from the loop, for as long as the session lives.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <vector>

#include "daemon/stop_watch.h"
#include "protocol/fd.h"

namespace hearth::daemon {

class JobControl {
 public:
  // The rest of the run.
  struct Job {
    virtual ~Job() = default;
    virtual void session_stopped(bool is_stopped) = 0;  // so must be what belongs to it
    virtual void stop_client() = 0;
    virtual bool has_lent_terminal() = 0;           // to one of its workers
    virtual bool kill_workers() = 0;                // whether it had any
    virtual std::vector<pid_t> last_workers() = 0;  // no others are started from now on
  };

  // `input`: the client's standard input.
  JobControl(EventLoop& loop, Job& job, pid_t session, pid_t client, const protocol::Fd& input);
  ~JobControl() { loop_.cancel(timer_); }
  JobControl(const JobControl&) = delete;
  JobControl& operator=(const JobControl&) = delete;

  // From the client.
  void signal(int number);
  // It was ended by force after a second SIGINT: of that the user will have it die.
  bool was_interrupted_for_good() const { return interrupts_ > 1; }

 private:
  void interrupt();
  void go_on();
  void quit();
  void quit_next();
  void session_changed(bool is_stopped);
  void client_changed(bool is_stopped);

  EventLoop& loop_;
  Job& job_;
  pid_t session_;
  const protocol::Fd& input_;
  StopWatch session_watch_;
  StopWatch client_watch_;
  bool stopped_with_client_ = false;
  bool has_gone_on_ = false;  // as its client was seen to; the client's word for it is yet to come
  int interrupts_ = 0;
  Clock::time_point last_interrupt_{};
  std::vector<pid_t> quitting_;
  Clock::time_point quit_deadline_{};
  EventLoop::TimerId timer_{};
};

}  // namespace hearth::daemon
