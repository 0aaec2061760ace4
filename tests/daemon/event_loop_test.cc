#include "daemon/event_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "protocol/unix_socket.h"

namespace hearth::daemon {
namespace {

using std::chrono::milliseconds;

TEST(EventLoop, fires_timers_in_the_order_of_their_times) {
  EventLoop loop;
  std::string fired;
  const auto now = Clock::now();
  loop.at(now + milliseconds(2), [&] { fired += "b"; });
  loop.at(now + milliseconds(1), [&] { fired += "a"; });
  loop.at(now + milliseconds(3), [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(fired, "ab");
}

TEST(EventLoop, does_not_fire_a_cancelled_timer) {
  EventLoop loop;
  bool fired = false;
  const auto timer = loop.after(milliseconds(1), [&] { fired = true; });
  loop.after(milliseconds(3), [&] { loop.stop(); });
  loop.cancel(timer);
  loop.run();
  EXPECT_FALSE(fired);
}

TEST(EventLoop, does_not_call_a_watch_that_was_removed_in_the_same_round) {
  EventLoop loop;
  auto first = protocol::socket_pair();
  auto second = protocol::socket_pair();
  ASSERT_EQ(write(first->second.get(), "x", 1), 1);
  ASSERT_EQ(write(second->second.get(), "x", 1), 1);
  int calls = 0;
  const auto remove_both = [&](short) {
    ++calls;
    loop.unwatch(first->first.get());
    loop.unwatch(second->first.get());
    loop.stop();
  };
  loop.watch(first->first.get(), POLLIN, remove_both);
  loop.watch(second->first.get(), POLLIN, remove_both);
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(EventLoop, tells_of_a_peer_that_hung_up) {
  EventLoop loop;
  auto pair = protocol::socket_pair();
  pair->second.reset();
  bool told = false;
  loop.watch(pair->first.get(), POLLIN, [&](short) {
    told = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(told);
}

TEST(EventLoop, runs_deferred_calls_once_and_in_order) {
  EventLoop loop;
  std::string called;
  loop.defer([&] {
    called += "a";
    loop.defer([&] {
      called += "c";
      loop.stop();
    });
  });
  loop.defer([&] { called += "b"; });
  loop.run();
  EXPECT_EQ(called, "abc");
}

}  // namespace
}  // namespace hearth::daemon
