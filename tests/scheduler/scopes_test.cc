// What belongs together goes to one worker, as pytest-xdist's loadscope, loadfile and loadgroup
// give it out.
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

TEST(LoadFile, gives_files_in_collection_order_where_they_are_not_to_be_reordered) {
  World world;
  world.given({"run_submitted r1 load_file files=2,4,3 workers=1 order=collected"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1 2 3 4 5", "resume_worker r1 gw0"}));
}

TEST(LoadScope, keeps_classes_together_and_the_functions_of_a_file) {
  World world;
  world.given(
      {"run_submitted r1 load_scope workers=3 "
       "ids=a.py::test_a,a.py::TestA::test_a,a.py::TestB::test_a,a.py::TestA::test_b,"
       "a.py::TestA::test_c,a.py::TestB::test_b,a.py::test_b,a.py::TestB::test_c,a.py::test_c"});
  EXPECT_EQ(
      world.given({"worker_started r1 gw0", "worker_started r1 gw1", "worker_started r1 gw2"}),
      (Lines{"assign_items r1 gw0 0 6 8", "finish_worker r1 gw0", "resume_worker r1 gw0",  //
             "assign_items r1 gw1 1 3 4", "finish_worker r1 gw1", "resume_worker r1 gw1",  //
             "assign_items r1 gw2 2 5 7", "finish_worker r1 gw2", "resume_worker r1 gw2"}));
}

// In xdist each of these parameters makes a scope of its own.
TEST(LoadScope, does_not_take_a_parameter_for_a_class) {
  World world;
  EXPECT_EQ(
      world.when("run_submitted r1 load_scope workers=2 "
                 "ids=a.py::TestA::test_a[x::y],a.py::TestA::test_a[z::y],a.py::TestA::test_b"),
      Lines{"start_worker r1 gw0"});
}

TEST(LoadScope, has_a_scope_for_each_item_that_is_no_function) {
  World world;
  EXPECT_EQ(
      world.when("run_submitted r1 load_scope ids=README.rst,a.py::doc[1],NOTES.rst workers=9"),
      (Lines{"start_worker r1 gw0", "start_worker r1 gw1", "start_worker r1 gw2"}));
}

TEST(LoadGroup, keeps_groups_together_and_any_other_item_on_its_own) {
  World world;
  world.given({"run_submitted r1 load_group items=6 groups=x,,y,x,,x workers=2"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 3 5", "resume_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_started r1 gw1"),
            (Lines{"assign_items r1 gw1 1 2", "resume_worker r1 gw1"}));
  EXPECT_EQ(world.when("item_finished r1 gw1 1"), (Lines{"assign_items r1 gw1 4"}));
}

TEST(LoadGroup, gives_what_a_lost_worker_left_of_a_group_to_another_worker) {
  World world;
  world.given({"run_submitted r1 load_group items=6 groups=x,x,x,y,y,y workers=2 max_restarts=0",
               "worker_started r1 gw0", "worker_started r1 gw1", "item_started r1 gw0 0"});
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "report_restarts_used_up r1 gw0"}))
      << "gw1 has enough for now";
  EXPECT_EQ(world.when("item_finished r1 gw1 3"), Lines{"assign_items r1 gw1 1 2"});
}

}  // namespace
}  // namespace hearth::scheduler
