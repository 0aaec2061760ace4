// Every worker executes every item.
#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

TEST(Each, gives_every_worker_all_items_and_no_more) {
  World world;
  EXPECT_EQ(world.when("run_submitted r1 each items=3 workers=2"),
            (Lines{"start_worker r1 gw0", "start_worker r1 gw1"}));
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1 2", "finish_worker r1 gw0", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 0 1 2", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
}

TEST(Each, starts_all_workers_for_a_single_item) {
  World world;
  EXPECT_EQ(world.when("run_submitted r1 each items=1 workers=3"),
            (Lines{"start_worker r1 gw0", "start_worker r1 gw1", "start_worker r1 gw2"}));
}

TEST(Each, gives_a_replacement_what_the_lost_worker_has_left) {
  World world;
  world.given({"run_submitted r1 each items=4 workers=2", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_finished r1 gw1 0", "item_started r1 gw1 1"});
  EXPECT_EQ(world.when("worker_exited r1 gw1"),
            (Lines{"report_lost_item r1 gw1 1", "start_worker r1 gw2 replaces gw1"}));
  EXPECT_EQ(world.when("worker_started r1 gw2"),
            (Lines{"assign_items r1 gw2 2 3", "finish_worker r1 gw2", "resume_worker r1 gw2"}));
}

TEST(Each, lets_nobody_else_execute_what_a_lost_worker_has_left) {
  World world;
  world.given({"run_submitted r1 each items=2 workers=2 max_restarts=0", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_started r1 gw1 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw1"),
            (Lines{"report_lost_item r1 gw1 0", "report_restarts_used_up r1 gw1"}));
  world.given({"item_finished r1 gw0 0", "item_finished r1 gw0 1"});
  EXPECT_EQ(world.when("worker_exited r1 gw0 finished"),
            Lines{"finish_run r1 failed not_executed 1"});
}

TEST(Each, executes_all_as_often_as_there_were_slots_though_they_become_fewer) {
  World world(2);
  world.given({"run_submitted r1 each items=1", "worker_started r1 gw0", "slots_changed 1"});
  world.given({"item_finished r1 gw0 0", "worker_exited r1 gw0 finished"});
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 0", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
  world.given({"item_finished r1 gw1 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw1 finished"), Lines{"finish_run r1 completed"});
}

}  // namespace
}  // namespace hearth::scheduler
