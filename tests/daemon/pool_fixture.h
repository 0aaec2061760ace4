// What a pool of real processes needs around it: a loop that turns, and children that are reaped.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "daemon/event_loop.h"
#include "daemon/linux.h"
#include "daemon/process_table.h"

namespace hearth::daemon {

class PoolFixture : public testing::Test {
 protected:
  void SetUp() override {
    become_subreaper();
    ticker();
  }

  void run_until(const std::function<bool()>& done) {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (!done()) {
      ASSERT_LT(Clock::now(), deadline) << "it did not happen";
      loop_.run_for_one_round();
    }
  }

  // After the pool was told to kill them.
  void wait_until_none_is_left() {
    run_until([&] { return descendants().empty(); });
    EXPECT_TRUE(descendants().empty());
  }

  EventLoop loop_;
  ProcessTable processes_{loop_};

 private:
  // The daemon does this on SIGCHLD.
  void ticker() {
    for (const auto& child : reap_children()) processes_.exited(child.pid, child.wait_status);
    loop_.after(std::chrono::milliseconds(1), [this] { ticker(); });
  }
};

}  // namespace hearth::daemon
