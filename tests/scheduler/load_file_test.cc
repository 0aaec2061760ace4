// Files as units, as pytest-xdist's loadfile gives them out.
#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

TEST(LoadFile, gives_the_largest_files_first_and_of_equal_ones_the_first_collected) {
  World world;
  // Files of 2, 4, 2 and 3 items: 0-1, 2-5, 6-7, 8-10.
  world.given({"run_submitted r1 load_file files=2,4,2,3 workers=2"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 2 3 4 5", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 8 9 10", "resume_worker r1 gw1"}));
  EXPECT_EQ(world.when("item_finished r1 gw1 8"), (Lines{"assign_items r1 gw1 0 1"}));
}

TEST(LoadFile, gives_a_second_file_at_once_where_the_first_has_at_most_two_items) {
  World world;
  world.given({"run_submitted r1 load_file files=2,2,2,2,2 workers=2"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1 4 5", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 2 3 6 7", "resume_worker r1 gw1"}));
}

TEST(LoadFile, gives_another_file_when_two_items_are_pending) {
  World world;
  world.given({"run_submitted r1 load_file files=4,4,3,3 workers=2", "worker_started r1 gw0",
               "worker_started r1 gw1"});
  EXPECT_EQ(world.when("item_finished r1 gw0 0"), (Lines{}));
  EXPECT_EQ(world.when("item_finished r1 gw0 1"), (Lines{"assign_items r1 gw0 8 9 10"}));
}

TEST(LoadFile, starts_no_more_workers_than_there_are_files) {
  World world;
  EXPECT_EQ(world.when("run_submitted r1 load_file files=5,5 workers=4"),
            (Lines{"start_worker r1 gw0", "start_worker r1 gw1"}));
}

TEST(LoadFile, tells_a_worker_to_finish_when_no_file_is_left) {
  World world;
  world.given({"run_submitted r1 load_file files=3,3,1 workers=2", "worker_started r1 gw0",
               "worker_started r1 gw1"});
  EXPECT_EQ(world.when("item_finished r1 gw0 0"), (Lines{"assign_items r1 gw0 6"}));
  EXPECT_EQ(world.when("item_finished r1 gw1 3"), (Lines{"finish_worker r1 gw1"}));
}

TEST(LoadFile, gives_what_a_lost_worker_left_of_a_file_whole_to_the_one_that_replaces_it) {
  World world;
  world.given({"run_submitted r1 load_file files=5,5 workers=2", "worker_started r1 gw0",
               "worker_started r1 gw1", "item_finished r1 gw0 0", "item_started r1 gw0 1"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 1", "start_worker r1 gw2 replaces gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw2"),
            (Lines{"assign_items r1 gw2 2 3 4", "finish_worker r1 gw2", "resume_worker r1 gw2"}));
}

// In xdist 3.8 this hangs: the replacement gets one item and waits for ever for the next.
TEST(LoadFile, never_leaves_a_replacement_with_a_single_item_while_files_are_left) {
  World world;
  world.given({"run_submitted r1 load_file files=4,1,1,1 workers=1", "worker_started r1 gw0",
               "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "start_worker r1 gw1 replaces gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 4 5", "resume_worker r1 gw1"}));
}

}  // namespace
}  // namespace hearth::scheduler
