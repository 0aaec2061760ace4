#include "plugin-shim/ctest/local_executor.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "tests/ctest_unit/executor_fixture.h"
#include "tests/protocol/temporary_directory.h"

namespace hearth::ctest {
namespace {

TEST_F(ExecutorTest, tells_the_raw_wait_status) {
  const auto one = start_shell(1, "exit 3");
  EXPECT_EQ(WEXITSTATUS(next_wait_status()), 3);
  const auto other = start_shell(2, "kill -TERM $$");
  EXPECT_EQ(WTERMSIG(next_wait_status()), SIGTERM);
}

TEST_F(ExecutorTest, gives_a_command_its_directory_environment_and_output) {
  Command command;
  command.argv = {"/bin/sh", "-c", "pwd; echo $HEARTH_X $HOME; echo error >&2"};
  command.directory = "/usr";
  command.environment = {{"HEARTH_X=1"}};
  const auto output = start(1, std::move(command));
  EXPECT_EQ(read_all(output), "/usr\n1\nerror\n");
  next_ended();
}

TEST_F(ExecutorTest, leaves_no_signal_blocked_and_only_real_time_ones_ignored) {
  const auto before = std::signal(SIGUSR1, SIG_IGN);
  const auto output = start_shell(1, "grep -E '^Sig(Blk|Ign)' /proc/self/status");
  const std::string text = read_all(output);
  std::signal(SIGUSR1, before);
  const auto ignored = protocol::ignored_signals() & kSignalsLeftAlone;
  EXPECT_NE(ignored, 0);
  std::ostringstream wanted;
  wanted << "SigBlk:\t0000000000000000\nSigIgn:\t" << std::hex << std::setw(16) << std::setfill('0')
         << ignored << '\n';
  EXPECT_EQ(text, wanted.str());
  next_ended();
}

TEST_F(ExecutorTest, says_why_a_command_does_not_start) {
  Command command;
  command.argv = {"/nowhere/command"};
  const auto output = start(7, std::move(command));
  const CommandEnded ended = next_ended();
  const auto* not_started = std::get_if<NotStarted>(&ended);
  ASSERT_NE(not_started, nullptr);
  EXPECT_EQ(not_started->number, 7U);
  EXPECT_EQ(not_started->reason, "No such file or directory");
}

TEST_F(ExecutorTest, gives_a_script_without_an_interpreter_to_the_shell) {
  const protocol::TemporaryDirectory directory;
  const auto script = directory.path() / "script";
  std::ofstream(script) << "echo $0 $1\n";
  chmod(script.c_str(), 0700);
  Command command;
  command.argv = {script.string(), "x"};
  const auto output = start(1, std::move(command));
  EXPECT_EQ(read_all(output), script.string() + " x\n");
  next_ended();
}

TEST_F(ExecutorTest, kills_what_a_command_has_started_too) {
  const auto output = start_shell(1, "sh -c 'setsid sleep 1000 & echo; wait' & wait");
  char byte = 0;
  ASSERT_EQ(read(output.get(), &byte, 1), 1);  // all are there
  executor_.kill(1);
  EXPECT_EQ(WTERMSIG(next_wait_status()), SIGKILL);
  EXPECT_EQ(read_all(output), "");  // up to its end: nobody holds it
}

TEST_F(ExecutorTest, kills_what_still_runs_when_it_goes) {
  protocol::Fd output;
  {
    LocalExecutor executor;
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    output = protocol::Fd(ends[0]);
    const protocol::Fd input(ends[1]);
    Command command;
    command.argv = {"/bin/sleep", "1000"};
    command.directory = "/";
    command.output = input.get();
    executor.start(1, command);
  }
  EXPECT_EQ(read_all(output), "");
}

}  // namespace
}  // namespace hearth::ctest
