// The daemon's smaller parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/linux.h"
#include "daemon/placeholder_streams.h"
#include "daemon/stage_key.h"
#include "daemon/tried_arguments.h"

namespace hearth::daemon {
namespace {

using protocol::Flavour;
using protocol::Stage;

ProcessRequest some_request() {
  ProcessRequest request;
  request.spec.python = "/usr/bin/python3";
  request.spec.args = {"-q"};
  request.spec.directory = "/project";
  request.spec.environment = {"B=2", "A=1"};
  return request;
}

TEST(StageKey, of_the_interpreter_ignores_arguments_and_directory) {
  auto other = some_request();
  other.spec.args = {"-v"};
  EXPECT_EQ(key_of(Stage::configured, some_request()), key_of(Stage::configured, other))
      << "arguments are something that a stage reads";
  other.spec.directory = "/elsewhere";
  EXPECT_EQ(key_of(Stage::interpreter, some_request()), key_of(Stage::interpreter, other));
  EXPECT_NE(key_of(Stage::configured, some_request()), key_of(Stage::configured, other));
}

TEST(StageKey, of_a_session_depends_on_its_terminal) {
  auto other = some_request();
  other.shape.terminals[1] = {true, 24, 80};
  EXPECT_NE(key_of(Stage::configured, some_request()), key_of(Stage::configured, other));
  auto worker = some_request();
  worker.flavour = other.flavour = Flavour::worker;
  EXPECT_EQ(key_of(Stage::configured, worker), key_of(Stage::configured, other));
}

TEST(TriedArguments, differ_in_what_was_read) {
  const auto tried = [](const char* keyword, const char* verbose) {
    protocol::ArgumentsTried answer;
    answer.differences = {{"keyword", "''", keyword}, {"verbose", "0", verbose}};
    return TriedArguments(std::move(answer));
  };
  const TriedArguments own(false);
  const auto option = [](const char* name, const char* before, const char* after) {
    return protocol::Cause{protocol::CauseKind::option, name, {}, before, after, "a.py:1"};
  };
  EXPECT_EQ(own.first_difference({{"markexpr", "a.py:1"}}, tried("'x'", "1")), std::nullopt);
  EXPECT_EQ(own.first_difference({{"keyword", "a.py:1"}}, tried("'x'", "1")),
            option("keyword", "''", "'x'"));
  EXPECT_EQ(tried("'x'", "1").first_difference({{"keyword", "a.py:1"}}, own),
            option("keyword", "'x'", "''"));
  EXPECT_EQ(tried("'x'", "1").first_difference({{"keyword", "a.py:1"}}, tried("'x'", "2")),
            std::nullopt);
  EXPECT_EQ(tried("'x'", "1").first_difference({{"verbose", "a.py:1"}}, tried("'x'", "2")),
            option("verbose", "1", "2"));
}

TEST(PlaceholderStreams, keep_what_was_printed) {
  EventLoop loop;
  PlaceholderStreams streams(loop);
  ASSERT_TRUE(streams.open({}));
  ASSERT_EQ(write(streams.descriptors()[1], "out", 3), 3);
  ASSERT_EQ(write(streams.descriptors()[2], "err", 3), 3);
  EXPECT_EQ(streams.printed().to_stdout, "out");
  EXPECT_EQ(streams.printed().to_stderr, "err");
  char byte = 0;
  EXPECT_EQ(read(streams.descriptors()[0], &byte, 1), 0) << "standard input is at its end";
}

TEST(PlaceholderStreams, keep_the_order_of_output_that_goes_to_one_file) {
  EventLoop loop;
  PlaceholderStreams streams(loop);
  StreamShape shape;
  shape.joined_output = true;
  ASSERT_TRUE(streams.open(shape));
  ASSERT_EQ(write(streams.descriptors()[1], "a", 1), 1);
  ASSERT_EQ(write(streams.descriptors()[2], "b", 1), 1);
  ASSERT_EQ(write(streams.descriptors()[1], "c", 1), 1);
  EXPECT_EQ(streams.printed().to_stdout, "abc");
  EXPECT_EQ(streams.printed().to_stderr, "");
}

TEST(PlaceholderStreams, are_a_terminal_of_the_users_size_where_the_users_are) {
  EventLoop loop;
  PlaceholderStreams streams(loop);
  StreamShape shape;
  for (auto& terminal : shape.terminals) terminal = {true, 33, 101};
  ASSERT_TRUE(streams.open(shape));
  EXPECT_EQ(terminal_of(streams.descriptors()[1]), (Terminal{true, 33, 101}));
  ASSERT_EQ(write(streams.descriptors()[1], "line\n", 5), 5);
  ASSERT_EQ(write(streams.descriptors()[2], "err", 3), 3);
  EXPECT_EQ(streams.printed().to_stdout, "line\nerr") << "unchanged, without carriage returns";
}

TEST(PlaceholderStreams, take_more_terminal_output_than_a_terminal_buffers) {
  EventLoop loop;
  PlaceholderStreams streams(loop);
  StreamShape shape;
  shape.terminals[1] = {true, 24, 80};
  ASSERT_TRUE(streams.open(shape));
  const std::string text(300'000, 'x');
  const int out = streams.descriptors()[1];
  const pid_t writer = fork();
  if (writer == 0) {
    std::size_t written = 0;
    while (written < text.size()) {
      const auto count = write(out, text.data() + written, text.size() - written);
      if (count < 0) _exit(1);
      written += static_cast<std::size_t>(count);
    }
    _exit(0);
  }
  int status = -1;
  const std::function<void()> check = [&] {
    if (waitpid(writer, &status, WNOHANG) == writer) {
      loop.stop();
    } else {
      loop.after(std::chrono::milliseconds(1), check);
    }
  };
  check();
  loop.run();
  EXPECT_EQ(status, 0);
  EXPECT_EQ(streams.printed().to_stdout, text);
}

TEST(Linux, describes_wait_statuses_with_the_signals_name) {
  EXPECT_EQ(describe_wait_status(SIGSEGV), "was killed by SIGSEGV");
  EXPECT_EQ(describe_wait_status(3 << 8), "exited with status 3");
}

TEST(Linux, counts_only_the_cores_of_its_affinity) {
  EXPECT_GE(usable_cores(), 1u);
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &before)) continue;
    CPU_SET(cpu, &one);
    break;
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cores(), 1u);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(Linux, starts_a_program_with_the_users_umask) {
  auto out = anonymous_file("out");
  SpawnRequest request;
  request.program = "/bin/sh";
  request.arguments = {"sh", "-c", "umask"};
  request.directory = "/";
  request.control = out->get();
  for (auto& stream : request.streams) stream = out->get();
  request.umask = 027;
  const auto before = umask(077);
  const auto pid = spawn(request);
  const auto ours = umask(before);
  ASSERT_TRUE(pid);
  waitpid(*pid, nullptr, 0);
  EXPECT_EQ(contents(*out), "0027\n");
  EXPECT_EQ(ours, 077u);
}

TEST(Linux, says_why_a_program_cannot_be_started) {
  SpawnRequest request;
  request.program = "/nonexistent/python";
  request.arguments = {request.program};
  request.directory = "/";
  auto pair = anonymous_file("x");
  request.control = pair->get();
  for (auto& stream : request.streams) stream = pair->get();
  const auto pid = spawn(request);
  ASSERT_FALSE(pid);
  EXPECT_THAT(pid.error(), testing::HasSubstr("/nonexistent/python"));
}

}  // namespace
}  // namespace hearth::daemon
