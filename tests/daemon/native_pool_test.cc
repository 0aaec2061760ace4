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
    key.environment = {"A=1"};
    key.umask = 022;
    return key;
  }

  using Outcome = std::optional<NativePool::Answer>;

  // Its standard input is input_, its output nobody's. The outcome is there when it has come.
  NativePool::JobId start(NativeKey key, Outcome& outcome) {
    NativePool::Job job;
    job.argv = {key.name};
    job.key = std::move(key);
    job.numbers = {0, 1, 2};
    job.descriptors.emplace_back(fcntl(input_[0], F_DUPFD_CLOEXEC, 3));
    for (int output = 1; output <= 2; ++output)
      job.descriptors.emplace_back(open("/dev/null", O_WRONLY | O_CLOEXEC));
    job.answer = [&outcome](const NativePool::Answer& answer) { outcome = answer; };
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

  NativePool pool_;
  std::array<int, 2> input_{};
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
