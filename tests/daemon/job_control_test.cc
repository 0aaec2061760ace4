#include "daemon/job_control.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/linux.h"

namespace hearth::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A process in a group of its own that does nothing.
class Idler {
 public:
  explicit Idler(bool ignores_interrupts = false) {
    const auto before = signal(SIGINT, ignores_interrupts ? SIG_IGN : SIG_DFL);
    pid_ = fork();
    while (pid_ == 0) pause();
    signal(SIGINT, before);
    setpgid(pid_, pid_);
  }
  ~Idler() {
    kill(pid_, SIGKILL);
    if (!status_) waitpid(pid_, nullptr, 0);
  }
  Idler(const Idler&) = delete;
  Idler& operator=(const Idler&) = delete;

  pid_t pid() const { return pid_; }
  bool is_stopped() const { return is_stopped_process(pid_); }
  // Whether it has been, before it ends.
  bool comes_to_a_stop() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT) == 0 &&
           info.si_code == CLD_STOPPED;
  }
  // Its wait status, once it has ended.
  std::optional<int> status() {
    int status = 0;
    if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
    return status_;
  }

 private:
  pid_t pid_ = 0;
  std::optional<int> status_;
};

struct FakeJob : JobControl::Job {
  void session_stopped(bool is_stopped) override { seen += is_stopped ? "stop " : "go "; }
  void stop_client() override { seen += "client "; }
  bool has_lent_terminal() override { return false; }
  bool kill_workers() override {
    seen += "kill ";
    return false;
  }
  std::vector<pid_t> last_workers() override { return workers; }

  std::string seen;
  std::vector<pid_t> workers;
};

class JobControlTest : public testing::Test {
 protected:
  void run_until(const std::function<bool()>& is_so) {
    const auto deadline = Clock::now() + seconds(20);
    while (!is_so() && Clock::now() < deadline) {
      loop_.after(milliseconds(2), [] {});
      loop_.run_for_one_round();
    }
    EXPECT_TRUE(is_so());
  }

  EventLoop loop_;
  FakeJob job_;
  protocol::Fd no_terminal_;
};

TEST_F(JobControlTest, stops_what_belongs_to_a_session_that_stops_and_asks_its_client) {
  const Idler session;
  const Idler client;
  JobControl control(loop_, job_, session.pid(), client.pid(), no_terminal_);
  control.signal(SIGTSTP);
  run_until([&] { return job_.seen == "stop client "; });
  EXPECT_TRUE(session.is_stopped());
  control.signal(SIGCONT);
  run_until([&] { return job_.seen == "stop client go "; });
  EXPECT_FALSE(session.is_stopped());
}

TEST_F(JobControlTest, stops_a_session_with_its_client_and_lets_it_go_on) {
  const Idler session;
  const Idler client;
  JobControl control(loop_, job_, session.pid(), client.pid(), no_terminal_);
  kill(client.pid(), SIGSTOP);
  run_until([&] { return job_.seen == "stop "; });
  EXPECT_TRUE(session.is_stopped());
  kill(client.pid(), SIGCONT);
  run_until([&] { return job_.seen == "stop go "; });
  EXPECT_FALSE(session.is_stopped());
}

TEST_F(JobControlTest, ends_at_the_second_interrupt_what_did_not_care_for_the_first) {
  Idler session(true);
  const Idler client;
  JobControl control(loop_, job_, session.pid(), client.pid(), no_terminal_);
  control.signal(SIGINT);
  control.signal(SIGINT);  // the same keypress, passed on by somebody
  EXPECT_EQ(job_.seen, "");
  const auto later = Clock::now() + milliseconds(60);
  run_until([&] { return Clock::now() > later; });
  EXPECT_FALSE(control.was_interrupted_for_good());
  control.signal(SIGINT);
  EXPECT_EQ(job_.seen, "kill ");
  run_until([&] { return session.status().has_value(); });
  EXPECT_EQ(session.status(), SIGKILL);
  EXPECT_TRUE(control.was_interrupted_for_good());
}

TEST_F(JobControlTest, quits_the_workers_one_by_one_and_then_the_session) {
  Idler session;
  const Idler client;
  Idler first;
  Idler second;
  job_.workers = {first.pid(), second.pid()};
  JobControl control(loop_, job_, session.pid(), client.pid(), no_terminal_);
  control.signal(SIGQUIT);
  EXPECT_TRUE(session.comes_to_a_stop()) << "it would report the loss";
  run_until([&] { return second.status().has_value(); });
  run_until([&] { return first.status() && session.status(); });
  EXPECT_EQ(WTERMSIG(*session.status()), SIGQUIT);
}

}  // namespace
}  // namespace hearth::daemon
