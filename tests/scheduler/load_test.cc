// The index sequences of pytest-xdist's own tests, and its rules one by one.
#include <algorithm>
#include <deque>
#include <sstream>

#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

TEST(Load, starts_the_workers_that_are_asked_for_at_once) {
  World world;
  EXPECT_EQ(world.when("run_submitted r1 load items=6 workers=2"),
            (Lines{"start_worker r1 gw0", "start_worker r1 gw1"}));
}

TEST(Load, deals_consecutive_items_and_resumes_a_worker_once_it_is_up) {
  World world;
  world.given({"run_submitted r1 load items=6 workers=2"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 2 3", "resume_worker r1 gw1"}));
  EXPECT_EQ(world.when("item_finished r1 gw0 0"), (Lines{"assign_items r1 gw0 4"}));
  EXPECT_EQ(world.when("item_finished r1 gw1 2"), (Lines{"assign_items r1 gw1 5"}));
  EXPECT_EQ(world.when("item_finished r1 gw0 1"), (Lines{"finish_worker r1 gw0"}));
}

TEST(Load, sends_a_second_batch_after_the_first_completion) {
  World world;
  world.given({"run_submitted r1 load items=16 workers=2"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 2 3", "resume_worker r1 gw1"}));
  EXPECT_EQ(world.when("item_finished r1 gw0 0"), (Lines{"assign_items r1 gw0 4 5"}));
}

TEST(Load, starts_no_worker_that_would_have_nothing_to_do) {
  World world;
  EXPECT_EQ(world.when("run_submitted r1 load items=2 workers=3"),
            (Lines{"start_worker r1 gw0", "start_worker r1 gw1"}));
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0", "finish_worker r1 gw0", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 1", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
}

TEST(Load, deals_round_robin_where_there_are_not_two_items_for_each_worker) {
  World world;
  world.given({"run_submitted r1 load items=5 workers=3"});
  EXPECT_EQ(
      world.given({"worker_started r1 gw0", "worker_started r1 gw1", "worker_started r1 gw2"}),
      (Lines{"assign_items r1 gw0 0 3", "finish_worker r1 gw0", "resume_worker r1 gw0",  //
             "assign_items r1 gw1 1 4", "finish_worker r1 gw1", "resume_worker r1 gw1",  //
             "assign_items r1 gw2 2", "finish_worker r1 gw2", "resume_worker r1 gw2"}));
}

TEST(Load, gives_no_more_to_a_worker_with_two_items_after_a_long_one) {
  const Lines begin = {"run_submitted r1 load items=40 workers=2", "worker_started r1 gw0",
                       "worker_started r1 gw1", "item_finished r1 gw0 0", "item_finished r1 gw0 1"};
  World quick;
  quick.given(begin);
  EXPECT_EQ(quick.when("item_finished r1 gw0 2 duration=0.0999"),
            (Lines{"assign_items r1 gw0 10 11 12 13 14"}));
  World slow;
  slow.given(begin);
  EXPECT_EQ(slow.when("item_finished r1 gw0 2 duration=0.1"), (Lines{}));
  EXPECT_EQ(slow.when("item_finished r1 gw0 3 duration=0.1"),
            (Lines{"assign_items r1 gw0 10 11 12 13 14 15"}));
}

TEST(Load, sends_no_more_at_once_than_max_chunk_but_always_two_at_first) {
  World world;
  world.given({"run_submitted r1 load items=40 workers=2 max_chunk=1"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 2 3", "resume_worker r1 gw1"}));
  EXPECT_EQ(world.when("item_finished r1 gw0 0"), (Lines{"assign_items r1 gw0 4"}));
}

std::size_t items_in(const std::string& assign) {
  return static_cast<std::size_t>(std::count(assign.begin(), assign.end(), ' ')) - 2;
}

TEST(Load, sends_the_chunks_that_xdist_was_observed_to_send) {
  World world;
  world.given({"run_submitted r1 load items=200 workers=2"});
  std::vector<std::size_t> chunks;
  std::vector<std::deque<std::string>> queues(2);
  const auto carry_out = [&](const Lines& commands) {
    for (const auto& command : commands) {
      if (command.rfind("assign_items", 0) != 0) continue;
      chunks.push_back(items_in(command));
      std::istringstream words(command);
      std::string word;
      std::string worker;
      words >> word >> word >> worker;
      while (words >> word) queues[worker == "gw0" ? 0 : 1].push_back(word);
    }
  };
  carry_out(world.given({"worker_started r1 gw0", "worker_started r1 gw1"}));
  for (std::size_t turn = 0; !queues[0].empty() || !queues[1].empty(); turn = 1 - turn) {
    if (queues[turn].empty()) continue;
    const std::string item = queues[turn].front();
    queues[turn].pop_front();
    carry_out(world.when("item_finished r1 gw" + std::to_string(turn) + " " + item));
  }
  ASSERT_GE(chunks.size(), 13U);
  EXPECT_EQ(std::vector<std::size_t>(chunks.begin(), chunks.begin() + 13),
            (std::vector<std::size_t>{25, 25, 20, 17, 15, 13, 12, 10, 9, 8, 7, 6, 5}));
  EXPECT_EQ(chunks.size(), 29U);
}

}  // namespace
}  // namespace hearth::scheduler
