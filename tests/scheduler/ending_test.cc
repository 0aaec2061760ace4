// How runs end, and what crosses their end.
#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

Lines two_workers(const std::string& options = "") {
  return {"run_submitted r1 load items=20 workers=2 " + options, "worker_started r1 gw0",
          "worker_started r1 gw1", "item_started r1 gw0 0", "item_started r1 gw1 2"};
}

TEST(Ending, a_run_without_items_is_complete_at_once) {
  World world;
  EXPECT_EQ(world.when("run_submitted r1 load items=0 workers=2"),
            (Lines{"finish_run r1 completed"}));
  EXPECT_EQ(world.when("run_submitted r2 load items=0"), (Lines{"finish_run r2 completed"}));
}

TEST(Ending, a_run_is_complete_when_its_last_worker_is_gone) {
  World world;
  world.given({"run_submitted r1 load items=2 workers=2", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_finished r1 gw0 0", "item_finished r1 gw1 1"});
  EXPECT_EQ(world.when("worker_exited r1 gw0 finished"), (Lines{}));
  EXPECT_EQ(world.when("worker_exited r1 gw1 finished"), (Lines{"finish_run r1 completed"}));
  EXPECT_EQ(world.scheduler().state(RunId{1}), std::nullopt);
}

TEST(Ending, the_failures_that_are_allowed_stop_every_worker_in_that_step) {
  World world;
  world.given(two_workers("max_failures=2"));
  EXPECT_EQ(world.when("item_finished r1 gw0 0 failures=1"), (Lines{"assign_items r1 gw0 4 5 6"}));
  EXPECT_EQ(world.when("item_finished r1 gw1 2 failures=1"),
            (Lines{"stop_worker r1 gw0", "stop_worker r1 gw1"}));
  EXPECT_EQ(world.when("item_finished r1 gw0 1"), (Lines{}));
  EXPECT_EQ(world.when("worker_exited r1 gw0 finished"), (Lines{}));
  EXPECT_EQ(world.when("worker_exited r1 gw1 finished"), (Lines{"finish_run r1 max_failures"}));
}

TEST(Ending, failures_outside_items_count_too) {
  World world;
  world.given(two_workers("max_failures=1"));
  EXPECT_EQ(world.when("worker_failed r1 gw1 failures=1"),
            (Lines{"stop_worker r1 gw0", "stop_worker r1 gw1"}));
}

TEST(Ending, a_fatal_failure_fails_the_run) {
  World world;
  world.given({"run_submitted r1 load items=3 workers=1", "worker_started r1 gw0",
               "item_finished r1 gw0 0"});
  EXPECT_EQ(world.when("worker_failed r1 gw0 fatal"), (Lines{"stop_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_exited r1 gw0 finished"),
            (Lines{"finish_run r1 failed not_executed 1 2"}));
}

TEST(Ending, a_cancelled_run_stops_and_its_lost_workers_are_not_replaced) {
  World world;
  world.given(two_workers());
  EXPECT_EQ(world.when("run_cancelled r1"), (Lines{"stop_worker r1 gw0", "stop_worker r1 gw1"}));
  EXPECT_EQ(world.when("worker_exited r1 gw0"), (Lines{"report_lost_item r1 gw0 0"}));
  EXPECT_EQ(world.when("item_finished r1 gw1 2"), (Lines{}));
  EXPECT_EQ(world.when("worker_exited r1 gw1 finished"), (Lines{"finish_run r1 cancelled"}));
}

TEST(Ending, a_run_that_waits_for_a_slot_is_cancelled_at_once) {
  World world(1);
  world.given({"run_submitted r1 load items=20", "run_submitted r2 load items=20"});
  EXPECT_EQ(world.when("run_cancelled r2"), (Lines{"finish_run r2 cancelled"}));
}

TEST(Ending, a_worker_that_is_not_up_yet_is_stopped_too) {
  World world;
  world.given({"run_submitted r1 load items=20 workers=1"});
  EXPECT_EQ(world.when("run_cancelled r1"), (Lines{"stop_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw0"), (Lines{}));
  EXPECT_EQ(world.when("worker_exited r1 gw0"), (Lines{"finish_run r1 cancelled"}));
}

TEST(Ending, what_names_an_unknown_run_or_worker_or_item_is_ignored) {
  World world;
  world.given(two_workers());
  EXPECT_EQ(
      world.given({"worker_started r9 gw0", "worker_started r1 gw9", "item_started r1 gw9 1",
                   "item_started r1 gw0 19", "item_finished r1 gw0 19 failures=1",
                   "item_finished r9 gw0 0", "worker_paused r1 gw9", "worker_failed r1 gw9 fatal",
                   "items_revoked r1 gw9 1", "worker_exited r1 gw9", "run_cancelled r9",
                   "session_ended r9", "time_passed", "run_submitted r1 load items=1 workers=1"}),
      (Lines{}));
}

TEST(Ending, an_item_is_reported_finished_once) {
  World world;
  world.given(two_workers("max_failures=2"));
  world.given({"item_finished r1 gw0 0 failures=1"});
  EXPECT_EQ(world.when("item_finished r1 gw0 0 failures=1"), (Lines{}));
  EXPECT_EQ(world.scheduler().state(RunId{1})->finished, 1U);
}

}  // namespace
}  // namespace hearth::scheduler
