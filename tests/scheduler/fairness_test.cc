// How slots are shared over time: whole simulated runs, and what each of them got.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/scheduler/simulation.h"

namespace hearth::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Behaviour automatic(std::uint64_t id, std::uint32_t items, Duration item,
                    std::uint32_t workers = 0) {
  Behaviour behaviour;
  behaviour.run.run = RunId{id};
  behaviour.run.items.assign(items, "test_it.py::test_it");
  behaviour.run.auto_workers = workers;
  behaviour.shortest = item;
  behaviour.longest = item;
  return behaviour;
}

// Slot time of each run until the first of them is over.
std::vector<double> slot_seconds(Plan plan) {
  const std::size_t runs = plan.runs.size();
  for (Behaviour& behaviour : plan.runs) behaviour.cancelled_at = seconds(10);
  Simulation simulation(std::move(plan));
  simulation.run();
  simulation.checks().at_end();
  EXPECT_EQ(simulation.checks().violations(), std::vector<std::string>());
  std::vector<double> times;
  for (std::uint64_t id = 1; id <= runs; ++id) {
    times.push_back(
        std::chrono::duration<double>(simulation.checks().slot_time(RunId{id})).count());
  }
  return times;
}

TEST(Fairness, runs_that_want_all_get_equal_parts) {
  Plan plan;
  plan.slots = 4;
  for (std::uint64_t id = 1; id <= 4; ++id)
    plan.runs.push_back(automatic(id, 5000, milliseconds(5)));
  for (const double time : slot_seconds(plan)) EXPECT_NEAR(time, 10.0, 1.0);
}

TEST(Fairness, what_one_run_does_not_want_goes_to_the_others) {
  Plan plan;
  plan.slots = 4;
  plan.runs = {automatic(1, 5000, milliseconds(5), 1), automatic(2, 9000, milliseconds(5)),
               automatic(3, 9000, milliseconds(5))};
  const auto times = slot_seconds(plan);
  EXPECT_NEAR(times[0], 10.0, 1.0);
  EXPECT_NEAR(times[1], 15.0, 1.5);
  EXPECT_NEAR(times[2], 15.0, 1.5);
}

TEST(Fairness, more_runs_than_slots_take_turns) {
  Plan plan;
  plan.slots = 2;
  for (std::uint64_t id = 1; id <= 5; ++id)
    plan.runs.push_back(automatic(id, 5000, milliseconds(3)));
  for (const double time : slot_seconds(plan)) EXPECT_NEAR(time, 4.0, 0.5);
}

TEST(Fairness, long_items_do_not_buy_more_time) {
  Plan plan;
  plan.slots = 1;
  plan.runs = {automatic(1, 5000, milliseconds(700)), automatic(2, 9000, milliseconds(2))};
  const auto times = slot_seconds(plan);
  EXPECT_NEAR(times[0], 5.0, 0.8);
  EXPECT_NEAR(times[1], 5.0, 0.8);
}

TEST(Fairness, a_newcomer_neither_waits_for_the_past_nor_is_paid_for_it) {
  Plan plan;
  plan.slots = 1;
  plan.runs = {automatic(1, 9000, milliseconds(2)), automatic(2, 9000, milliseconds(2)),
               automatic(3, 9000, milliseconds(2))};
  plan.runs[2].submitted_at = seconds(7);
  const auto times = slot_seconds(plan);
  EXPECT_NEAR(times[0], 4.5, 0.4);
  EXPECT_NEAR(times[1], 4.5, 0.4);
  EXPECT_NEAR(times[2], 1.0, 0.3);
}

TEST(Fairness, a_slot_is_never_idle_while_a_run_has_work) {
  Plan plan;
  plan.slots = 3;
  for (std::uint64_t id = 1; id <= 4; ++id)
    plan.runs.push_back(automatic(id, 300, milliseconds(5)));
  Simulation simulation(plan);
  simulation.run();
  const double busy = 4 * 300 * 0.005 / 3;
  EXPECT_LT(std::chrono::duration<double>(simulation.now()).count(), 1.15 * busy);
}

TEST(Fairness, an_explicit_run_takes_what_it_asks_and_leaves_one_slot_to_the_others) {
  Plan plan;
  plan.slots = 2;
  plan.runs = {automatic(1, 5000, milliseconds(5)), automatic(2, 9000, milliseconds(5))};
  plan.runs[1].run.workers = 3;
  EXPECT_NEAR(slot_seconds(plan)[0], 10.0, 1.0);
}

}  // namespace
}  // namespace hearth::scheduler
