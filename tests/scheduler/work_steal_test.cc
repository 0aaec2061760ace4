// Who has run out of items takes over some that another worker has, as in pytest-xdist's worksteal.
#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

// Ten items, two workers; gw0 has finished all but the last of its five.
Lines one_that_runs_out() {
  return {"run_submitted r1 work_steal items=10 workers=2",
          "worker_started r1 gw0",
          "worker_started r1 gw1",
          "item_started r1 gw1 5",
          "item_finished r1 gw0 0",
          "item_finished r1 gw0 1",
          "item_finished r1 gw0 2"};
}

TEST(WorkSteal, deals_all_items_at_the_start_in_slices) {
  World world;
  world.given({"run_submitted r1 work_steal items=11 workers=3"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1 2", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 3 4 5 6", "resume_worker r1 gw1"}));
  EXPECT_EQ(world.when("worker_started r1 gw2"),
            (Lines{"assign_items r1 gw2 7 8 9 10", "resume_worker r1 gw2"}));
}

TEST(WorkSteal, asks_the_longest_queue_for_its_last_half_for_one_that_runs_out) {
  World world;
  world.given(one_that_runs_out());
  EXPECT_EQ(world.when("item_finished r1 gw0 3"), Lines{"revoke_items r1 gw1 8 9"});
  EXPECT_EQ(world.when("items_revoked r1 gw1 8 9"), Lines{"assign_items r1 gw0 8 9"});
}

TEST(WorkSteal, leaves_the_other_one_two) {
  World world;
  world.given(one_that_runs_out());
  world.given({"item_finished r1 gw1 5", "item_finished r1 gw1 6"});
  EXPECT_EQ(world.when("item_finished r1 gw0 3"), Lines{"revoke_items r1 gw1 9"});
}

TEST(WorkSteal, makes_one_request_at_a_time) {
  World world;
  world.given({"run_submitted r1 work_steal items=12 workers=3", "worker_started r1 gw0",
               "worker_started r1 gw1", "worker_started r1 gw2", "item_finished r1 gw0 0",
               "item_finished r1 gw0 1", "item_finished r1 gw1 4", "item_finished r1 gw1 5"});
  EXPECT_EQ(world.when("item_finished r1 gw0 2"), Lines{"revoke_items r1 gw2 10 11"});
  EXPECT_EQ(world.when("item_finished r1 gw1 6"), (Lines{}));
  EXPECT_EQ(world.when("items_revoked r1 gw2 10 11"),
            (Lines{"assign_items r1 gw0 10", "assign_items r1 gw1 11"}));
}

TEST(WorkSteal, asks_again_where_nothing_could_be_given_any_more) {
  World world;
  world.given(one_that_runs_out());
  world.given({"item_finished r1 gw0 3", "item_finished r1 gw1 5", "item_finished r1 gw1 6"});
  EXPECT_EQ(world.when("items_revoked r1 gw1"), Lines{"revoke_items r1 gw1 9"});
}

TEST(WorkSteal, lets_a_worker_finish_when_there_is_nothing_to_take_over) {
  World world;
  world.given(one_that_runs_out());
  world.given({"item_finished r1 gw1 5", "item_finished r1 gw1 6", "item_finished r1 gw1 7"});
  EXPECT_EQ(world.when("item_finished r1 gw0 3"), Lines{"finish_worker r1 gw0"});
  EXPECT_EQ(world.when("item_finished r1 gw1 8"), Lines{"finish_worker r1 gw1"});
}

TEST(WorkSteal, takes_from_a_worker_that_is_not_up_yet_without_asking_it) {
  World world;
  world.given({"run_submitted r1 work_steal items=10 workers=2", "worker_started r1 gw0",
               "item_finished r1 gw0 0", "item_finished r1 gw0 1", "item_finished r1 gw0 2"});
  EXPECT_EQ(world.when("item_finished r1 gw0 3"), Lines{"assign_items r1 gw0 8 9"});
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 5 6 7", "resume_worker r1 gw1"}));
}

TEST(WorkSteal, gives_what_a_lost_worker_left_to_those_that_have_run_out) {
  World world;
  world.given(one_that_runs_out());
  world.given({"item_finished r1 gw0 3"});
  EXPECT_EQ(world.when("worker_exited r1 gw1"),
            (Lines{"report_lost_item r1 gw1 5", "assign_items r1 gw0 6 7 8 9",
                   "start_worker r1 gw2 replaces gw1", "revoke_items r1 gw0 8 9"}));
}

TEST(WorkSteal, forgets_a_request_to_a_worker_that_is_lost) {
  World world;
  world.given({"run_submitted r1 work_steal items=12 workers=3 max_restarts=0",
               "worker_started r1 gw0", "worker_started r1 gw1", "worker_started r1 gw2",
               "item_started r1 gw2 8", "item_finished r1 gw0 0", "item_finished r1 gw0 1",
               "item_finished r1 gw1 4", "item_finished r1 gw0 2"});
  EXPECT_EQ(world.when("worker_exited r1 gw2"),
            (Lines{"report_lost_item r1 gw2 8", "report_restarts_used_up r1 gw2",
                   "assign_items r1 gw0 9 10 11"}));
}

}  // namespace
}  // namespace hearth::scheduler
