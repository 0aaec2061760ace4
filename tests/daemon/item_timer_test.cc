#include "daemon/item_timer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "daemon/linux.h"

namespace hearth::daemon {
namespace {

using std::chrono::milliseconds;

// Of an item of this very process, which is sent no signal.
protocol::TimeLimit limit(std::uint64_t limit_ms, const protocol::Fd& stack_file) {
  return {"test_a.py::test_a", limit_ms, 0, static_cast<std::uint64_t>(stack_file.get())};
}

TEST(ItemTimer, gives_up_an_item_whose_time_is_over_and_says_what_was_written_down) {
  EventLoop loop;
  const auto stack = anonymous_file("stack").value();
  ASSERT_EQ(write(stack.get(), "a stack", 7), 7);
  std::optional<ItemTimer::Overdue> overdue;
  ItemTimer timer(
      loop, getpid(), [] {},
      [&](ItemTimer::Overdue found) {
        overdue = std::move(found);
        loop.stop();
      });
  timer.begin(limit(1, stack));
  loop.run();
  EXPECT_EQ(overdue->item, "test_a.py::test_a");
  EXPECT_EQ(overdue->limit_ms, 1U);
  EXPECT_EQ(overdue->stack, "a stack");
}

TEST(ItemTimer, believes_a_process_that_has_said_in_time_what_nobody_has_heard) {
  EventLoop loop;
  const auto stack = anonymous_file("stack").value();
  bool is_overdue = false;
  std::optional<ItemTimer> timer;
  timer.emplace(
      loop, getpid(),
      [&] {
        timer->end();
        loop.stop();
      },
      [&](const ItemTimer::Overdue&) { is_overdue = true; });
  timer->begin(limit(1, stack));
  loop.run();
  EXPECT_FALSE(is_overdue);
}

TEST(ItemTimer, does_not_count_the_time_for_which_the_process_is_stopped) {
  EventLoop loop;
  const auto stack = anonymous_file("stack").value();
  bool is_heard = false;
  ItemTimer timer(
      loop, getpid(), [&] { is_heard = true; }, [](const ItemTimer::Overdue&) {});
  timer.begin(limit(1, stack));
  timer.hold(true);
  loop.after(milliseconds(2), [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(is_heard);
}

TEST(Linux, reads_the_end_of_a_file_without_a_name_that_a_process_has_open_and_of_no_other) {
  const auto file = anonymous_file("file").value();
  ASSERT_EQ(write(file.get(), "abcdef", 6), 6);
  EXPECT_EQ(end_of_anonymous_file(getpid(), file.get(), 3), "def");
  EXPECT_EQ(end_of_anonymous_file(getpid(), file.get(), 100), "abcdef");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(end_of_anonymous_file(getpid(), ends[0], 3), "");
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(end_of_anonymous_file(getpid(), 1'000'000, 3), "");
}

}  // namespace
}  // namespace hearth::daemon
