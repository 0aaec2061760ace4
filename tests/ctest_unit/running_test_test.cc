#include "plugin-shim/ctest/running_test.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace hearth::ctest {
namespace {

using testing::ElementsAre;
using Clock = RunningTest::Clock;

// Notes what it is asked to do.
class NotedExecutor : public Executor {
 public:
  void start(CommandNumber, const Command&) override {}
  void signal(CommandNumber, int signal) override { signals.push_back(signal); }
  void kill(CommandNumber number) override { killed.push_back(number); }
  int fd() const override { return -1; }
  std::vector<CommandEnded> take_ended() override { return {}; }

  std::vector<int> signals;
  std::vector<CommandNumber> killed;
};

class RunningTestTest : public testing::Test {
 protected:
  RunningTest& begin(Seconds limit) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    input_ = protocol::Fd(ends[1]);
    running_ = std::make_unique<RunningTest>(test_, 5, protocol::Fd(ends[0]),
                                             RunningTest::Limit{limit, false}, at(0));
    return *running_;
  }
  void write(const std::string& text) {
    EXPECT_EQ(::write(input_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    read();
  }
  void read(int seconds = 0) { running_->read(at(seconds), expressions_, {}); }
  Clock::time_point at(int seconds) const { return begun_ + std::chrono::seconds(seconds); }
  // Also at the times that it wants before.
  void on_time(int seconds) {
    for (auto next = running_->next_time(); next && *next < at(seconds);
         next = running_->next_time())
      running_->on_time(*next, executor_, {});
    running_->on_time(at(seconds), executor_, {});
  }

  ctest::Test test_;
  Clock::time_point begun_ = Clock::now();
  protocol::Fd input_;
  std::unique_ptr<RunningTest> running_;
  NotedExecutor executor_;
  Expressions expressions_;
};

TEST_F(RunningTestTest, ends_when_its_process_and_its_output_have) {
  RunningTest& running = begin(Seconds(10));
  write("text\n");
  running.process_ended(Exited{5, 0}, at(1));
  EXPECT_FALSE(running.is_finished());
  input_.reset();
  read(2);
  EXPECT_TRUE(running.is_finished());
  EXPECT_EQ(running.time(), Seconds(2));
  EXPECT_EQ(running.output().text(), "text\n");
}

TEST_F(RunningTestTest, takes_the_time_that_was_measured_nearer_to_it) {
  RunningTest& running = begin(Seconds(10));
  input_.reset();
  read(3);
  running.process_ended(Exited{5, 0, std::chrono::milliseconds(250)}, at(3));
  EXPECT_TRUE(running.is_finished());
  EXPECT_EQ(running.time(), Seconds(0.25));
}

TEST_F(RunningTestTest, is_not_held_up_by_what_it_left_behind) {
  RunningTest& running = begin(Seconds(10));
  running.process_ended(Exited{5, 0}, at(1));
  EXPECT_EQ(running.next_time(), at(2));
  on_time(2);
  EXPECT_TRUE(running.is_finished());
  EXPECT_TRUE(running.leaks());
  EXPECT_EQ(running.time(), Seconds(1));
}

TEST_F(RunningTestTest, waits_for_all_output_where_that_decides) {
  test_.pass_expressions = {"x"};
  RunningTest& running = begin(Seconds(10));
  running.process_ended(Exited{5, 0}, at(1));
  on_time(9);
  EXPECT_FALSE(running.is_finished());
  on_time(10);
  EXPECT_TRUE(running.is_finished());
  EXPECT_EQ(running.ending().kind, Ending::Kind::timed_out);
}

TEST_F(RunningTestTest, is_killed_at_its_timeout) {
  RunningTest& running = begin(Seconds(3));
  on_time(2);
  EXPECT_TRUE(executor_.killed.empty());
  on_time(3);
  EXPECT_THAT(executor_.killed, ElementsAre(5U));
  running.process_ended(Exited{5, SIGKILL}, at(3));
  EXPECT_TRUE(running.is_finished());
  EXPECT_EQ(running.ending().kind, Ending::Kind::timed_out);
  EXPECT_FALSE(running.ending().asked_to_end);
}

TEST_F(RunningTestTest, is_asked_first_where_it_wants_that) {
  test_.timeout_signal = {"SIGINT", SIGINT};
  test_.timeout_grace_period = Seconds(2);
  RunningTest& running = begin(Seconds(3));
  on_time(3);
  EXPECT_THAT(executor_.signals, ElementsAre(SIGINT));
  EXPECT_EQ(running.next_time(), at(5));
  running.process_ended(Exited{5, SIGINT}, at(4));
  input_.reset();
  read(4);
  EXPECT_TRUE(running.ending().asked_to_end);

  RunningTest& stubborn = begin(Seconds(3));
  on_time(3);
  on_time(5);
  EXPECT_THAT(executor_.killed, ElementsAre(5U));
  stubborn.process_ended(Exited{5, SIGKILL}, at(5));
  EXPECT_FALSE(stubborn.ending().asked_to_end);
}

TEST_F(RunningTestTest, starts_its_time_anew_after_a_match) {
  test_.timeout_after_match = {{"ready"}, Seconds(4)};
  RunningTest& running = begin(Seconds(100));
  EXPECT_EQ(::write(input_.get(), "ready\n", 6), 6);
  read(50);
  on_time(51);
  EXPECT_EQ(running.next_time(), at(54));
  running.process_ended(Exited{5, 0}, at(52));
  input_.reset();
  read(52);
  EXPECT_EQ(running.time(), Seconds(2));
}

TEST_F(RunningTestTest, may_never_have_started) {
  RunningTest& running = begin(Seconds(3));
  running.process_ended(NotStarted{5, "no"}, at(0));
  EXPECT_TRUE(running.is_finished());
  EXPECT_EQ(running.start_failure(), "no");
  EXPECT_EQ(running.ending().kind, Ending::Kind::not_started);
}

}  // namespace
}  // namespace hearth::ctest
