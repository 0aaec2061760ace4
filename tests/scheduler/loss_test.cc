// Workers that are lost, what they leave, and who takes their place.
#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

Lines two_busy_workers(const std::string& options = "") {
  return {"run_submitted r1 load items=16 workers=2 " + options, "worker_started r1 gw0",
          "worker_started r1 gw1", "item_started r1 gw0 0", "item_started r1 gw1 2"};
}

TEST(Loss, the_item_in_execution_is_reported_lost_the_others_filled_up_and_the_worker_replaced) {
  World world;
  world.given(two_busy_workers());
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "assign_items r1 gw1 4 5 6 7",
                   "start_worker r1 gw2 replaces gw0"}));
}

TEST(Loss, the_other_items_go_to_the_end_of_what_is_left) {
  World world;
  world.given({"run_submitted r1 load items=6 workers=1", "worker_started r1 gw0",
               "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "start_worker r1 gw1 replaces gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 2 3", "resume_worker r1 gw1"}));
  EXPECT_EQ(
      world.given({"item_finished r1 gw1 2", "item_finished r1 gw1 3", "item_finished r1 gw1 4"}),
      (Lines{"assign_items r1 gw1 4", "assign_items r1 gw1 5", "assign_items r1 gw1 1"}));
}

TEST(Loss, between_two_items_loses_none) {
  World world;
  world.given({"run_submitted r1 load items=3 workers=1", "worker_started r1 gw0",
               "item_started r1 gw0 0", "item_finished r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"), (Lines{"start_worker r1 gw1 replaces gw0"}));
}

TEST(Loss, a_replacement_that_gets_the_only_item_left_is_told_so) {
  World world;
  world.given({"run_submitted r1 load items=5 workers=2", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_finished r1 gw0 0", "item_started r1 gw0 1",
               "item_started r1 gw1 2"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 1", "start_worker r1 gw2 replaces gw0",
                   "finish_worker r1 gw1"}));
  EXPECT_EQ(world.when("worker_started r1 gw2"),
            (Lines{"assign_items r1 gw2 4", "finish_worker r1 gw2", "resume_worker r1 gw2"}));
}

TEST(Loss, of_an_item_that_is_judged_keeps_the_run_open_until_it_may_be_executed_again) {
  World world;
  world.given({"run_submitted r1 load items=1 workers=1 judges=1", "worker_started r1 gw0",
               "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"), (Lines{"report_lost_item r1 gw0 0"}));
  EXPECT_EQ(world.when("lost_item_judged r1 0 again"), (Lines{"start_worker r1 gw1 replaces gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 0", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
}

TEST(Loss, of_an_item_that_is_judged_ends_the_run_when_it_is_not_to_be_executed_again) {
  World world;
  world.given({"run_submitted r1 load items=1 workers=1 judges=1", "worker_started r1 gw0",
               "item_started r1 gw0 0", "worker_exited r1 gw0"});
  EXPECT_EQ(world.when("lost_item_judged r1 0"), (Lines{"finish_run r1 completed"}));
  EXPECT_EQ(world.when("lost_item_judged r1 0 again"), (Lines{}));
}

TEST(Loss, of_an_item_counts_as_a_failure_once_it_is_not_to_be_executed_again) {
  World world;
  world.given(two_busy_workers("judges=1 max_failures=1"));
  world.given({"worker_exited r1 gw0"});
  EXPECT_EQ(world.when("lost_item_judged r1 0"),
            (Lines{"stop_worker r1 gw1", "stop_worker r1 gw2"}));
}

TEST(Loss, of_an_item_that_is_executed_again_gives_it_to_a_worker_that_has_waited_for_it) {
  World world;
  world.given({"run_submitted r1 load items=6 workers=2 judges=1", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_started r1 gw0 0", "worker_exited r1 gw0",
               "item_finished r1 gw1 2", "item_finished r1 gw1 3", "worker_started r1 gw2"});
  EXPECT_EQ(world.when("lost_item_judged r1 0 again"),
            (Lines{"assign_items r1 gw1 0", "finish_worker r1 gw2"}));
}

TEST(Loss, of_an_item_in_a_stopped_run_needs_no_judgement) {
  World world;
  world.given({"run_submitted r1 load items=1 workers=1 judges=1", "worker_started r1 gw0",
               "item_started r1 gw0 0", "run_cancelled r1"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "finish_run r1 cancelled"}));
}

TEST(Loss, is_not_made_good_when_no_item_is_left) {
  World world;
  world.given({"run_submitted r1 load items=2 workers=2", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"), (Lines{"report_lost_item r1 gw0 0"}));
}

TEST(Loss, of_more_workers_than_may_be_replaced_is_reported_and_the_others_go_on) {
  World world;
  world.given(two_busy_workers("max_restarts=0"));
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "report_restarts_used_up r1 gw0",
                   "assign_items r1 gw1 4 5 6 7"}));
  world.given({"item_finished r1 gw1 2", "item_finished r1 gw1 3", "item_finished r1 gw1 4",
               "item_finished r1 gw1 5"});
  EXPECT_EQ(world.when("item_finished r1 gw1 6"), (Lines{"assign_items r1 gw1 8 9 10"}));
}

TEST(Loss, that_cannot_be_made_good_finds_a_worker_that_was_kept_for_it) {
  World world;
  world.given({"run_submitted r1 load items=5 workers=2 max_restarts=0", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_started r1 gw0 0", "item_finished r1 gw1 2"});
  EXPECT_EQ(world.when("item_finished r1 gw1 3"), Lines{"finish_worker r1 gw0"})
      << "gw1 is kept, because gw0 has two";
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "report_restarts_used_up r1 gw0",
                   "assign_items r1 gw1 1"}));
}

TEST(Loss, keeps_workers_for_it_no_longer_than_there_is_something_to_lose) {
  World world;
  world.given({"run_submitted r1 load items=4 workers=2 max_restarts=0", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_finished r1 gw1 2"});
  EXPECT_EQ(world.when("item_finished r1 gw0 0"), Lines{"finish_worker r1 gw1"});
}

TEST(Loss, of_the_last_worker_fails_the_run_and_names_what_nobody_executed) {
  World world;
  world.given({"run_submitted r1 load items=4 workers=1 max_restarts=0", "worker_started r1 gw0",
               "item_finished r1 gw0 0", "item_started r1 gw0 1"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 1", "report_restarts_used_up r1 gw0",
                   "finish_run r1 failed not_executed 2 3"}));
}

TEST(Loss, is_replaced_four_times_for_each_worker_asked_for_unless_said_otherwise) {
  World world;
  world.given({"run_submitted r1 load items=9 workers=1"});
  for (const std::string worker : {"0", "1", "2", "3"}) {
    EXPECT_EQ(world.when("worker_exited r1 gw" + worker),
              (Lines{"start_worker r1 gw" + std::to_string(std::stoi(worker) + 1) + " replaces gw" +
                     worker}));
  }
  EXPECT_EQ(world.when("worker_exited r1 gw4"),
            (Lines{"report_restarts_used_up r1 gw4",
                   "finish_run r1 failed not_executed 0 1 2 3 4 5 6 7 8"}));
}

TEST(Loss, counts_as_one_failure_for_max_failures) {
  World world;
  world.given(two_busy_workers("max_failures=1"));
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "stop_worker r1 gw1"}));
}

TEST(Loss, while_ending_the_session_leaves_the_run_complete) {
  World world;
  world.given({"run_submitted r1 load items=1 workers=1", "worker_started r1 gw0",
               "item_finished r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"), (Lines{"finish_run r1 completed"}));
}

TEST(Loss, a_session_that_ends_before_its_items_counts_as_lost) {
  World world;
  world.given({"run_submitted r1 load items=3 workers=1", "worker_started r1 gw0",
               "item_finished r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0 finished"),
            (Lines{"start_worker r1 gw1 replaces gw0"}));
}

TEST(Loss, given_back_items_go_to_others) {
  World world;
  world.given({"run_submitted r1 load items=8 workers=2", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_started r1 gw0 0"});
  // 0 is being executed and cannot be taken back; gw0 is filled up again at once.
  EXPECT_EQ(world.when("items_revoked r1 gw0 0 1"), (Lines{"assign_items r1 gw0 4"}));
}

TEST(Loss, ends_an_automatic_run_when_the_machine_has_no_slot_left_for_the_worker_to_come) {
  World world(2);
  world.given({"session_started r9", "run_submitted r1 load items=4 max_restarts=0",
               "worker_started r1 gw0", "item_started r1 gw0 0", "run_submitted r2 load items=2"});
  EXPECT_EQ(world.at("0.05").when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "report_restarts_used_up r1 gw0",
                   "start_worker r2 gw0", "wake_at 0.15"}));
  EXPECT_EQ(world.when("slots_changed 1"), Lines{"finish_run r1 failed not_executed 1 2 3"});
}

}  // namespace
}  // namespace hearth::scheduler
