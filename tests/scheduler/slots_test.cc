// Who gets a slot, who gives one back, and when.
#include "tests/scheduler/world.h"

namespace hearth::scheduler {
namespace {

// One slot: run 1 has it from 0 s on and executes its first item.
Lines one_run_at_work() {
  return {"run_submitted r1 load items=20 auto=1", "worker_started r1 gw0",
          "item_started r1 gw0 0"};
}

TEST(Slots, an_automatic_run_starts_a_worker_for_each_slot) {
  World world(3);
  EXPECT_EQ(world.when("run_submitted r1 load items=20"),
            (Lines{"start_worker r1 gw0", "start_worker r1 gw1", "start_worker r1 gw2"}));
  EXPECT_EQ(world.scheduler().slots_busy(), 3U);
}

TEST(Slots, an_automatic_run_starts_no_more_workers_than_it_wants_or_has_units) {
  World world(4);
  EXPECT_EQ(world.when("run_submitted r1 load items=20 auto=1"), (Lines{"start_worker r1 gw0"}));
  EXPECT_EQ(world.when("run_submitted r2 load_file files=9"), (Lines{"start_worker r2 gw0"}));
}

TEST(Slots, an_explicit_run_takes_what_it_asks) {
  World world(1);
  world.given({"run_submitted r1 load items=20 workers=3"});
  EXPECT_EQ(world.when("worker_started r1 gw2"),
            (Lines{"assign_items r1 gw2 4 5", "resume_worker r1 gw2"}));
  EXPECT_EQ(world.scheduler().slots_busy(), 3U);
}

TEST(Slots, automatic_runs_get_one_slot_even_where_explicit_ones_took_all) {
  World world(2);
  world.given({"run_submitted r1 load items=20 workers=3", "session_started r7"});
  EXPECT_EQ(world.when("run_submitted r2 load items=20"), (Lines{"start_worker r2 gw0"}));
}

TEST(Slots, a_session_takes_a_slot_until_it_ends) {
  World world(2);
  world.given({"session_started r7"});
  EXPECT_EQ(world.when("run_submitted r1 load items=20"), (Lines{"start_worker r1 gw0"}));
  EXPECT_EQ(world.when("session_ended r7"), (Lines{"start_worker r1 gw1"}));
}

TEST(Slots, a_run_counts_with_the_workers_to_come_when_it_deals) {
  World world(4);
  world.given({"session_started r7", "session_started r8", "session_started r9"});
  world.given({"run_submitted r1 load items=160"});
  EXPECT_EQ(world.when("worker_started r1 gw0"),
            (Lines{"assign_items r1 gw0 0 1 2 3 4 5 6 7 8 9", "resume_worker r1 gw0"}));
}

TEST(Slots, a_newcomer_gets_the_slot_when_the_quantum_is_over) {
  World world(1);
  world.given(one_run_at_work());
  EXPECT_EQ(world.at("0.05").when("run_submitted r2 load items=20"), (Lines{"wake_at 0.1"}));
  EXPECT_EQ(world.at("0.1").when("time_passed"), (Lines{"pause_worker r1 gw0"}));
  EXPECT_EQ(world.at("0.12").when("item_finished r1 gw0 0"), (Lines{}));
  EXPECT_EQ(world.when("worker_paused r1 gw0"), (Lines{"start_worker r2 gw0", "wake_at 0.22"}));
}

TEST(Slots, a_newcomer_gets_the_slot_at_once_from_a_run_that_had_its_quantum) {
  World world(1);
  world.given(one_run_at_work());
  EXPECT_EQ(world.at("5").when("run_submitted r2 load items=20"), (Lines{"pause_worker r1 gw0"}));
}

TEST(Slots, a_paused_worker_is_resumed_when_its_run_gets_a_slot_again) {
  World world(1);
  world.given(one_run_at_work());
  world.at("5").given(
      {"run_submitted r2 load items=1", "worker_paused r1 gw0", "worker_started r2 gw0"});
  EXPECT_EQ(world.when("item_finished r2 gw0 0"), (Lines{"resume_worker r1 gw0"}));
}

TEST(Slots, the_slot_of_a_worker_that_only_ends_its_session_is_free) {
  World world(1);
  world.given(
      {"run_submitted r1 load items=1", "worker_started r1 gw0", "run_submitted r2 load items=1"});
  EXPECT_EQ(world.when("item_finished r1 gw0 0"), (Lines{"start_worker r2 gw0"}));
  EXPECT_EQ(world.scheduler().slots_busy(), 1U);
}

TEST(Slots, a_worker_that_pauses_at_its_end_is_resumed_without_a_slot) {
  World world(1);
  world.given({"run_submitted r1 load items=2", "worker_started r1 gw0"});
  world.at("5").given(
      {"run_submitted r2 load items=1", "item_finished r1 gw0 0", "item_finished r1 gw0 1"});
  EXPECT_EQ(world.when("worker_paused r1 gw0"), (Lines{"resume_worker r1 gw0"}));
  EXPECT_EQ(world.scheduler().slots_busy(), 1U);
}

TEST(Slots, a_worker_without_items_is_never_given_a_slot) {
  World world(2);
  world.given({"run_submitted r1 load items=4", "worker_started r1 gw0", "worker_started r1 gw1"});
  world.given({"item_finished r1 gw0 0", "item_finished r1 gw0 1", "worker_paused r1 gw1"});
  // gw0 only ends its session; gw1 gave its slot back and has items.
  EXPECT_EQ(world.scheduler().slots_busy(), 1U);
  EXPECT_EQ(world.when("slots_changed 5"), (Lines{}));
}

TEST(Slots, a_shrinking_budget_pauses_workers_before_their_quantum_is_over) {
  World world(2);
  world.given({"run_submitted r1 load items=20", "worker_started r1 gw0", "worker_started r1 gw1"});
  EXPECT_EQ(world.at("0.01").when("slots_changed 1"), (Lines{"pause_worker r1 gw0"}));
}

TEST(Slots, a_growing_budget_resumes_workers_before_it_starts_others) {
  World world(2);
  world.given(
      {"run_submitted r1 load items=40 auto=3", "worker_started r1 gw0", "worker_started r1 gw1"});
  world.at("0.01").given({"slots_changed 1", "worker_paused r1 gw0"});
  EXPECT_EQ(world.when("slots_changed 3"), (Lines{"resume_worker r1 gw0", "start_worker r1 gw2"}));
}

TEST(Slots, the_slot_of_a_worker_that_is_not_up_yet_changes_hands_at_once) {
  World world(1);
  world.given({"run_submitted r1 load items=20"});
  EXPECT_EQ(world.at("5").when("run_submitted r2 load items=20"),
            (Lines{"start_worker r2 gw0", "wake_at 5.1"}));
  EXPECT_EQ(world.when("worker_started r1 gw0"), (Lines{"assign_items r1 gw0 0 1 2 3 4"}));
}

TEST(Slots, a_run_is_asked_for_no_more_than_the_others_lack) {
  World world(3);
  world.given({"run_submitted r1 load items=90", "worker_started r1 gw0", "worker_started r1 gw1",
               "worker_started r1 gw2"});
  EXPECT_EQ(world.at("5").when("run_submitted r2 load items=20 auto=1"),
            (Lines{"pause_worker r1 gw0"}));
  EXPECT_EQ(world.when("slots_changed 3"), (Lines{}));
}

TEST(Slots, a_lost_worker_of_an_automatic_run_is_replaced_with_its_slot) {
  World world(1);
  world.given(one_run_at_work());
  EXPECT_EQ(world.when("worker_exited r1 gw0"),
            (Lines{"report_lost_item r1 gw0 0", "start_worker r1 gw1 replaces gw0"}));
}

TEST(Slots, the_timer_is_set_again_only_when_the_time_changes) {
  World world(1);
  world.given(one_run_at_work());
  EXPECT_EQ(world.at("0.01").when("run_submitted r2 load items=20"), (Lines{"wake_at 0.1"}));
  EXPECT_EQ(world.at("0.02").when("run_submitted r3 load items=20"), (Lines{}));
  EXPECT_EQ(world.at("0.03").when("time_passed"), (Lines{"wake_at 0.1"}));
}

}  // namespace
}  // namespace hearth::scheduler
