// A LocalExecutor that is waited for with a deadline.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "plugin-shim/ctest/local_executor.h"
#include "protocol/fd.h"
#include "protocol/ignored_signals.h"

namespace hearth::ctest {

class ExecutorTest : public testing::Test {
 protected:
  static constexpr int kDeadline = 20 * 1000;  // milliseconds

  // As below make(1); before the first command, since it is asked for once.
  static void SetUpTestSuite() { protocol::ignore(32); }

  // The reading end of the command's output.
  protocol::Fd start(CommandNumber number, Command command) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const protocol::Fd input(ends[1]);
    command.output = input.get();
    if (command.directory.empty()) command.directory = "/";
    executor_.start(number, command);
    return protocol::Fd(ends[0]);
  }
  protocol::Fd start_shell(CommandNumber number, const std::string& script) {
    Command command;
    command.argv = {"/bin/sh", "-c", script};
    return start(number, std::move(command));
  }

  CommandEnded next_ended() {
    while (true) {
      if (!ended_.empty()) {
        const CommandEnded first = ended_.front();
        ended_.erase(ended_.begin());
        return first;
      }
      pollfd watched{executor_.fd(), POLLIN, 0};
      if (poll(&watched, 1, kDeadline) <= 0) {
        ADD_FAILURE() << "nothing has ended";
        return NotStarted{};
      }
      ended_ = executor_.take_ended();
    }
  }
  int next_wait_status() {
    const CommandEnded ended = next_ended();
    const auto* exited = std::get_if<Exited>(&ended);
    return exited == nullptr ? -1 : exited->wait_status;
  }

  static std::string read_all(const protocol::Fd& fd) {
    std::string text;
    std::array<char, 512> buffer{};
    while (true) {
      const ssize_t size = read(fd.get(), buffer.data(), buffer.size());
      if (size <= 0) return text;
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }

  LocalExecutor executor_;

 private:
  std::vector<CommandEnded> ended_;
};

}  // namespace hearth::ctest
