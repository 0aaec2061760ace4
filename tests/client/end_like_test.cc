#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "plugin-shim/client/forwarded_signals.h"
#include "plugin-shim/client/this_process.h"

namespace hearth::client {
namespace {

// As waitpid encodes them.
int exited(int code) { return code << 8; }
int killed_by(int signal) { return signal; }
constexpr int kCoreDumped = 0x80;

TEST(EndLike, exits_with_the_same_code) {
  EXPECT_EXIT(end_like(exited(0)), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(end_like(exited(5)), testing::ExitedWithCode(5), "");
  EXPECT_EXIT(end_like(exited(255)), testing::ExitedWithCode(255), "");
}

TEST(EndLike, dies_of_the_same_signal) {
  EXPECT_EXIT(end_like(killed_by(SIGKILL)), testing::KilledBySignal(SIGKILL), "");
  EXPECT_EXIT(end_like(killed_by(SIGTERM)), testing::KilledBySignal(SIGTERM), "");
  EXPECT_EXIT(end_like(killed_by(SIGSEGV) | kCoreDumped), testing::KilledBySignal(SIGSEGV), "");
}

TEST(EndLike, dies_of_a_signal_that_it_was_forwarding) {
  EXPECT_EXIT(
      {
        const ForwardedSignals signals;
        end_like(killed_by(SIGINT));
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(EndLike, never_ends_well_after_a_status_that_is_neither) {
  constexpr int kStopped = 0x137f;
  EXPECT_EXIT(end_like(kStopped), testing::ExitedWithCode(3), "");
}

TEST(ForwardedSignals, are_there_to_be_taken_in_place_of_their_effect) {
  EXPECT_EXIT(
      {
        ForwardedSignals signals;
        if (signals.take() != 0) _exit(1);
        raise(SIGHUP);
        if (signals.take() != SIGHUP) _exit(2);
        if (signals.take() != 0) _exit(3);
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(ForwardedSignals, come_also_when_they_were_ignored) {
  EXPECT_EXIT(
      {
        std::signal(SIGHUP, SIG_IGN);
        ForwardedSignals signals;
        raise(SIGHUP);
        _exit(signals.take() == SIGHUP ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(ForwardedSignals, of_an_interrupt_before_they_are_there_is_said_what_pytest_says) {
  EXPECT_EXIT(
      {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        end_on_early_interrupt();
        raise(SIGINT);
      },
      testing::ExitedWithCode(2), "KeyboardInterrupt");
}

}  // namespace
}  // namespace hearth::client
