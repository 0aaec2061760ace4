// A pool with the real library and programs of every Linux.
#include "daemon/native_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/daemon/pool_fixture.h"

namespace hearth::daemon {
namespace {

using protocol::CommandExited;
using protocol::CommandRefused;

class NativePoolTest : public PoolFixture {
 protected:
  explicit NativePoolTest(Clock::duration idle = std::chrono::hours(1))
      : pool_(loop_, processes_, ZYGOTE_LIBRARY, 2, true, std::chrono::seconds(60), idle) {}

  void SetUp() override {
    PoolFixture::SetUp();
    ASSERT_EQ(pipe2(input_.data(), O_CLOEXEC), 0);
  }

  void TearDown() override {
    close(input_[0]);
    close(input_[1]);
    pool_.kill_all();
    wait_until_none_is_left();
  }

  static NativeKey key(const std::string& program, const std::string& directory = "/") {
    NativeKey key;
    key.program = program;
    key.name = program;
    key.directory = directory;
    key.environment = SharedEnvironment({"A=1"});
    key.umask = 022;
    return key;
  }

  using Outcome = std::optional<NativePool::Answer>;

  // Its standard input is input_, its output nobody's. The outcome is there when it has come.
  // behind: those that have to end first.
  NativePool::JobId start(NativeKey key, Outcome& outcome,
                          std::vector<NativePool::JobId> behind = {}) {
    NativePool::Job job;
    job.behind = std::move(behind);
    job.argv = {key.name};
    job.key = std::move(key);
    job.numbers = {0, 1, 2};
    job.descriptors.emplace_back(fcntl(input_[0], F_DUPFD_CLOEXEC, 3));
    for (int output = 1; output <= 2; ++output)
      job.descriptors.emplace_back(open("/dev/null", O_WRONLY | O_CLOEXEC));
    job.answer = [this, &outcome](const NativePool::Answer& answer) {
      outcome = answer;
      answered_.push_back(&outcome);
    };
    return pool_.start(std::move(job));
  }

  NativePool::Answer run(NativeKey key) {
    Outcome outcome;
    start(std::move(key), outcome);
    run_until([&] { return outcome.has_value(); });
    return outcome.value_or(CommandRefused{});
  }

  static std::optional<int> wait_status(const Outcome& outcome) {
    const auto* exited = outcome ? std::get_if<CommandExited>(&*outcome) : nullptr;
    return exited == nullptr ? std::nullopt : std::optional<int>(exited->wait_status);
  }

  static std::string reason(const NativePool::Answer& answer) {
    const auto* refused = std::get_if<CommandRefused>(&answer);
    return refused == nullptr ? "it was executed" : refused->reason;
  }

  // Of each zygote, how many commands it has had.
  std::vector<std::uint64_t> served() const {
    std::vector<std::uint64_t> all;
    for (const auto& zygote : pool_.status()) all.push_back(zygote.served);
    return all;
  }

  static bool is_withdrawn(const Outcome& outcome) {
    return outcome && std::holds_alternative<protocol::CommandWithdrawn>(*outcome);
  }

  NativePool pool_;
  std::array<int, 2> input_{};
  std::vector<const Outcome*> answered_;  // in their order
};

TEST_F(NativePoolTest, forks_one_process_for_all_commands_that_are_alike) {
  EXPECT_EQ(wait_status(run(key("/bin/true"))), 0);
  EXPECT_EQ(wait_status(run(key("/bin/true"))), 0);
  EXPECT_EQ(wait_status(run(key("/bin/false"))), 1 << 8);
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{2, 1}));
}

TEST_F(NativePoolTest, has_commands_that_come_together_wait_for_one_process) {
  std::array<Outcome, 3> outcomes;
  for (auto& outcome : outcomes) start(key("/bin/true"), outcome);
  for (auto& outcome : outcomes) {
    run_until([&] { return outcome.has_value(); });
    EXPECT_EQ(wait_status(outcome), 0);
  }
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{3}));
}

TEST_F(NativePoolTest, makes_a_variant_when_its_surroundings_are_seen_again) {
  run(key("/bin/true"));
  EXPECT_EQ(reason(run(key("/bin/true", "/tmp"))),
            "is warm for other surroundings, and was not seen in these before");
  EXPECT_EQ(wait_status(run(key("/bin/true", "/tmp"))), 0);
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{1, 1}));
}

TEST_F(NativePoolTest, keeps_no_more_than_its_limit_and_ends_the_least_recently_used) {
  for (const auto* program : {"/bin/true", "/bin/false", "/bin/true", "/bin/cat"}) {
    if (program == std::string("/bin/cat")) close(std::exchange(input_[1], -1));  // nothing to read
    run(key(program));
  }
  run_until([&] { return pool_.status().size() == 2; });
  for (const auto& zygote : pool_.status()) EXPECT_NE(zygote.python, "/bin/false");
}

// Of a program that waits for input, and one more that is ordered ahead.
class AheadTest : public NativePoolTest {
 protected:
  void SetUp() override {
    NativePoolTest::SetUp();
    std::string directory = testing::TempDir() + "/aheadXXXXXX";
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    program_ = directory + "/program";
    std::filesystem::copy_file("/bin/cat", program_);
    running_ = start(key(program_), first_);
    run_until([&] { return served() == std::vector<std::uint64_t>{1}; });
    ahead_ = start(key(program_), second_, {running_});
  }

  void TearDown() override {
    std::filesystem::remove_all(std::filesystem::path(program_).parent_path());
    NativePoolTest::TearDown();
  }

  void end_first() {
    pool_.signal(running_, SIGKILL, false);
    run_until([&] { return first_.has_value(); });
    EXPECT_EQ(wait_status(first_), SIGKILL);
  }

  std::string program_;
  Outcome first_;
  Outcome second_;
  NativePool::JobId running_{};
  NativePool::JobId ahead_{};
};

TEST_F(AheadTest, begins_when_the_other_one_has_ended_and_not_before) {
  run_until([&] { return descendants().size() == 2; });  // the zygote and the one that runs
  end_first();
  run_until([&] { return descendants().size() == 2; });
  pool_.withdraw(ahead_);  // too late
  EXPECT_FALSE(second_.has_value());
  pool_.signal(ahead_, SIGTERM, false);
  run_until([&] { return second_.has_value(); });
  EXPECT_EQ(wait_status(second_), SIGTERM);
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{2}));
}

TEST_F(AheadTest, is_withdrawn_as_long_as_it_has_not_begun) {
  pool_.withdraw(ahead_);
  run_until([&] { return second_.has_value(); });
  EXPECT_TRUE(is_withdrawn(second_));
  EXPECT_FALSE(first_.has_value());
  end_first();
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{1}));
}

TEST_F(AheadTest, does_not_begin_with_what_has_become_stale) {
  std::filesystem::remove(program_);
  std::filesystem::copy_file("/bin/true", program_);
  end_first();
  ASSERT_TRUE(is_withdrawn(second_));
  EXPECT_EQ(answered_, (std::vector<const Outcome*>{&second_, &first_}));  // in time to be known
}

TEST_F(AheadTest, has_not_been_executed_when_its_zygote_is_killed_before) {
  kill(static_cast<pid_t>(pool_.status().front().pid), SIGKILL);
  run_until([&] { return first_.has_value() && second_.has_value(); });
  EXPECT_TRUE(is_withdrawn(second_));
  EXPECT_EQ(wait_status(first_), SIGKILL);
}

TEST_F(AheadTest, is_lost_with_its_zygote_once_it_has_begun) {
  end_first();
  kill(static_cast<pid_t>(pool_.status().front().pid), SIGKILL);
  run_until([&] { return second_.has_value(); });
  EXPECT_EQ(wait_status(second_), SIGKILL);
}

TEST_F(AheadTest, is_killed_without_having_begun_when_nobody_waits_for_it) {
  pool_.abandon(ahead_);
  end_first();
  run_until([&] { return descendants().size() == 1; });
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{2}));
}

TEST_F(AheadTest, is_not_taken_behind_another_program) {
  Outcome outcome;
  start(key("/bin/true"), outcome, {running_});
  run_until([&] { return outcome.has_value(); });
  EXPECT_TRUE(is_withdrawn(outcome));
  end_first();
}

TEST_F(AheadTest, is_taken_behind_one_that_has_ended_as_well) {
  end_first();
  Outcome third;
  const auto last = start(key(program_), third, {running_, ahead_});
  run_until([&] { return served() == std::vector<std::uint64_t>{3}; });
  pool_.signal(ahead_, SIGKILL, false);
  run_until([&] { return second_.has_value(); });
  EXPECT_FALSE(third.has_value());
  pool_.signal(last, SIGTERM, false);
  run_until([&] { return third.has_value(); });
  EXPECT_EQ(wait_status(third), SIGTERM);
}

TEST_F(AheadTest, ends_are_told_in_order_and_soon_also_when_many_are_to_come) {
  constexpr std::size_t count = 6;
  std::array<Outcome, count> outcomes;
  std::vector<NativePool::JobId> before{running_, ahead_};
  for (auto& outcome : outcomes) before.push_back(start(key(program_), outcome, before));
  end_first();  // though nothing else ends after it
  EXPECT_FALSE(second_.has_value());
  close(std::exchange(input_[1], -1));
  run_until([&] { return answered_.size() == count + 2; });
  std::vector<const Outcome*> in_order{&first_, &second_};
  for (const auto& outcome : outcomes) in_order.push_back(&outcome);
  EXPECT_EQ(answered_, in_order);
  EXPECT_EQ(wait_status(outcomes.back()), 0);
}

TEST_F(AheadTest, is_not_taken_behind_those_that_have_all_ended) {
  end_first();
  Outcome outcome;
  start(key(program_), outcome, {running_});
  run_until([&] { return outcome.has_value(); });
  EXPECT_TRUE(is_withdrawn(outcome));
  pool_.signal(ahead_, SIGKILL, false);
}

class ImpatientNativePoolTest : public NativePoolTest {
 protected:
  ImpatientNativePoolTest() : NativePoolTest(std::chrono::milliseconds(10)) {}
};

TEST_F(ImpatientNativePoolTest, ends_a_process_that_nobody_uses_so_that_its_file_may_be_written) {
  Outcome outcome;
  start(key("/bin/cat"), outcome);
  run_until([&] { return served() == std::vector<std::uint64_t>{1}; });
  EXPECT_FALSE(outcome.has_value());
  close(std::exchange(input_[1], -1));  // nothing more to read
  run_until([&] { return outcome.has_value(); });
  EXPECT_EQ(wait_status(outcome), 0);
  run_until([&] { return descendants().empty(); });
}

TEST_F(NativePoolTest, refuses_what_is_no_program) {
  EXPECT_NE(reason(run(key("/etc/passwd"))), "it was executed");
  EXPECT_NE(reason(run(key("/no/such/program"))), "it was executed");
  EXPECT_EQ(served(), (std::vector<std::uint64_t>{}));
}

TEST_F(NativePoolTest, passes_signals_on) {
  Outcome outcome;
  const auto job = start(key("/bin/cat"), outcome);
  run_until([&] { return served() == std::vector<std::uint64_t>{1}; });
  pool_.signal(job, SIGTERM, false);
  run_until([&] { return outcome.has_value(); });
  EXPECT_EQ(wait_status(outcome), SIGTERM);
}

TEST_F(NativePoolTest, kills_a_command_that_nobody_waits_for_any_more) {
  Outcome outcome;
  const auto job = start(key("/bin/cat"), outcome);
  run_until([&] { return served() == std::vector<std::uint64_t>{1}; });
  pool_.abandon(job);
  run_until([&] { return descendants().size() == 1; });  // the zygote
  EXPECT_FALSE(outcome.has_value());
}

TEST_F(NativePoolTest, reports_the_commands_of_a_killed_zygote_as_killed_and_makes_another) {
  Outcome outcome;
  start(key("/bin/cat"), outcome);
  run_until([&] { return served() == std::vector<std::uint64_t>{1}; });
  kill(static_cast<pid_t>(pool_.status().front().pid), SIGKILL);
  run_until([&] { return outcome.has_value(); });
  EXPECT_EQ(wait_status(outcome), SIGKILL);
  run_until([&] { return descendants().empty(); });
  EXPECT_EQ(wait_status(run(key("/bin/true"))), 0);
}

}  // namespace
}  // namespace hearth::daemon
