// Workers that execute a share of items only, and their successors.
#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

TEST(Shares, finish_a_worker_after_so_many_items_and_start_its_successor_in_its_place) {
  World world;
  world.given({"run_submitted r1 load items=5 workers=1 max_items=2"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1", "finish_worker r1 gw0", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.given({"item_finished r1 gw0 0", "item_finished r1 gw0 1"}), Lines{});
  EXPECT_EQ(world.when("worker_exited r1 gw0 finished"), Lines{"start_worker r1 gw1 succeeds gw0"});
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 2 3", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
  world.given({"item_finished r1 gw1 2", "item_finished r1 gw1 3"});
  EXPECT_EQ(world.when("worker_exited r1 gw1 finished"), Lines{"start_worker r1 gw2 succeeds gw1"});
  EXPECT_EQ(world.when("worker_started r1 gw2"),
            (Lines{"assign_items r1 gw2 4", "finish_worker r1 gw2", "resume_worker r1 gw2"}));
  world.given({"item_finished r1 gw2 4"});
  EXPECT_EQ(world.when("worker_exited r1 gw2 finished"), Lines{"finish_run r1 completed"});
}

TEST(Shares, of_a_file_end_where_another_file_begins) {
  World world;
  world.given({"run_submitted r1 load files=2,1 workers=1 isolate=file"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("item_finished r1 gw0 0"), Lines{"finish_worker r1 gw0"});
  world.given({"item_finished r1 gw0 1"});
  EXPECT_EQ(world.when("worker_exited r1 gw0 finished"), Lines{"start_worker r1 gw1 succeeds gw0"});
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 2", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
}

TEST(Shares, keep_a_scope_in_one_place) {
  World world;
  world.given({"run_submitted r1 load_file files=3,3 workers=2 max_items=2"});
  EXPECT_EQ(world.given({"worker_started r1 gw0", "worker_started r1 gw1"}),
            (Lines{"assign_items r1 gw0 0 1", "finish_worker r1 gw0", "resume_worker r1 gw0",
                   "assign_items r1 gw1 3 4", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
  world.given({"item_finished r1 gw1 3", "item_finished r1 gw1 4"});
  EXPECT_EQ(world.when("worker_exited r1 gw1 finished"), Lines{"start_worker r1 gw2 succeeds gw1"});
  EXPECT_EQ(world.when("worker_started r1 gw2"),
            (Lines{"assign_items r1 gw2 5", "finish_worker r1 gw2", "resume_worker r1 gw2"}));
}

TEST(Shares, give_all_that_a_lost_worker_was_dealt_to_others) {
  World world;
  world.given({"run_submitted r1 load items=4 workers=1 max_items=2", "worker_started r1 gw0",
               "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "start_worker r1 gw1 replaces gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 2 3", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
}

TEST(Shares, are_no_losses_so_that_no_restart_is_used_up) {
  World world;
  world.given({"run_submitted r1 load items=2 workers=1 max_items=1 max_restarts=0",
               "worker_started r1 gw0", "item_finished r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0 finished"), Lines{"start_worker r1 gw1 succeeds gw0"});
}

TEST(Shares, of_one_item_that_was_the_end_of_its_worker_use_up_no_restart) {
  World world;
  world.given({"run_submitted r1 load items=3 workers=1 max_items=1 max_restarts=0",
               "worker_started r1 gw0", "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "start_worker r1 gw1 succeeds gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 1", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
  EXPECT_EQ(world.when("worker_exited r1 gw1"),
            (Lines{"report_restarts_used_up r1 gw1", "finish_run r1 failed not_executed 1 2"}))
      << "it was not the item's doing";
}

TEST(OverdueItem, is_lost_but_its_worker_is_succeeded_without_using_up_a_restart) {
  World world;
  world.given({"run_submitted r1 load_file files=3 workers=1 max_restarts=0",
               "worker_started r1 gw0", "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0 overdue"),
            (Lines{"report_lost_item r1 gw0 0", "start_worker r1 gw1 succeeds gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 1 2", "finish_worker r1 gw1", "resume_worker r1 gw1"}));
}

TEST(OverdueItem, counts_as_a_failure) {
  World world;
  world.given({"run_submitted r1 load items=3 workers=1 max_failures=1", "worker_started r1 gw0",
               "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0 overdue"),
            (Lines{"report_lost_item r1 gw0 0", "finish_run r1 max_failures"}));
}

}  // namespace
}  // namespace hearth::scheduler
