// Runs that start processes of their own, on slots that they are lent.
#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

TEST(Borrower, one_that_is_alone_gets_all_that_it_wants_even_more_than_there_are) {
  World world(2);
  EXPECT_EQ(world.when("slots_wanted r1 8"), (Lines{"lend_slots r1 8"}));
  EXPECT_EQ(world.scheduler().slots_busy(), 8U);
}

TEST(Borrower, two_share_the_slots_in_equal_parts) {
  World world(4);
  world.given({"slots_wanted r1 4"});
  EXPECT_EQ(world.at("1").when("slots_wanted r2 4"),
            (Lines{"ask_back_slot r1", "ask_back_slot r1"}));
  EXPECT_EQ(world.when("slots_returned r1 1"), (Lines{"lend_slots r2 1"}));
  EXPECT_EQ(world.when("slots_returned r1 1"), (Lines{"lend_slots r2 1"}));
}

TEST(Borrower, what_was_lent_beyond_the_slots_is_asked_back_at_once_and_more_after_the_quantum) {
  World world(2);
  world.given({"slots_wanted r1 4"});
  EXPECT_EQ(world.when("slots_wanted r2 1"),
            (Lines{"ask_back_slot r1", "ask_back_slot r1", "wake_at 0.1"}));
  EXPECT_EQ(world.at("0.1").when("time_passed"), (Lines{"ask_back_slot r1"}));
  EXPECT_EQ(world.when("slots_returned r1 2"), (Lines{}));
  EXPECT_EQ(world.when("slots_returned r1 1"), (Lines{"lend_slots r2 1"}));
}

TEST(Borrower, gets_slots_again_when_the_other_run_wants_fewer) {
  World world(2);
  world.given({"slots_wanted r1 2", "slots_wanted r2 2", "slots_returned r1 1"});
  EXPECT_EQ(world.at("1").given({"slots_wanted r2 0", "slots_returned r2 1"}),
            (Lines{"lend_slots r1 1"}));
}

TEST(Borrower, the_slots_of_one_that_is_gone_are_free) {
  World world(2);
  world.given({"slots_wanted r1 2", "slots_wanted r2 2"});
  EXPECT_EQ(world.when("run_cancelled r1"), (Lines{"lend_slots r2 2"}));
  EXPECT_EQ(world.when("run_cancelled r2"), (Lines{}));
  EXPECT_EQ(world.scheduler().slots_busy(), 0U);
}

TEST(Borrower, shares_with_the_workers_of_an_automatic_run) {
  World world(2);
  world.given({"run_submitted r1 load items=20", "worker_started r1 gw0", "worker_started r1 gw1"});
  EXPECT_EQ(world.at("1").when("slots_wanted r2 2"), (Lines{"pause_worker r1 gw0"}));
  EXPECT_EQ(world.when("worker_paused r1 gw0"), (Lines{"lend_slots r2 1"}));
}

TEST(Borrower, takes_turns_when_there_are_more_runs_than_slots) {
  World world(1);
  world.given({"slots_wanted r1 1"});
  EXPECT_EQ(world.at("0.05").when("slots_wanted r2 1"), (Lines{"wake_at 0.1"}));
  EXPECT_EQ(world.at("0.1").when("time_passed"), (Lines{"ask_back_slot r1"}));
  EXPECT_EQ(world.at("0.3").when("slots_returned r1 1"),
            (Lines{"lend_slots r2 1", "wake_at 0.55"}));
}

TEST(Borrower, a_stopped_one_holds_nothing_until_it_goes_on) {
  World world(1);
  world.given({"slots_wanted r1 1", "slots_wanted r2 1"});
  EXPECT_EQ(world.when("borrower_stopped r1"), (Lines{"lend_slots r2 1"}));
  EXPECT_EQ(world.scheduler().slots_busy(), 1U);
  EXPECT_EQ(world.at("1").when("borrower_continued r1"), (Lines{"ask_back_slot r2"}));
}

TEST(Borrower, a_run_inside_a_command_does_not_wait_for_the_slot_that_its_command_has) {
  World world(1);
  world.given({"slots_wanted r1 1"});
  EXPECT_EQ(world.when("slots_wanted r2 1 inside=1"), (Lines{"lend_slots r2 1"}));
  EXPECT_EQ(world.when("run_submitted r3 load items=4 inside=1"), (Lines{"start_worker r3 gw0"}));
}

TEST(Borrower, what_a_run_gives_back_that_nobody_asked_for_is_free) {
  World world(2);
  world.given({"slots_wanted r1 2", "slots_wanted r2 2"});
  EXPECT_EQ(world.given({"slots_wanted r1 0", "slots_returned r1 2"}), (Lines{"lend_slots r2 2"}));
}

}  // namespace
}  // namespace hearth::scheduler
