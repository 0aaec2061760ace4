// What holds for every run on every machine: thousands of random worlds, each from one seed.
#include <gtest/gtest.h>

#include <array>

#include "tests/scheduler/simulation.h"

namespace hearth::scheduler {
namespace {

using std::chrono::milliseconds;

// Draws a plan from a seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  std::uint32_t upto(std::uint32_t most) {
    return static_cast<std::uint32_t>(random_() % (most + 1ULL));
  }
  bool one_in(std::uint32_t count) { return upto(count - 1) == 0; }
  Time time(Duration most) {
    return Time(static_cast<Time::rep>(random_() % static_cast<std::uint64_t>(most.count() + 1)));
  }

 private:
  std::mt19937_64 random_;
};

RunSubmitted random_run(Dice& dice, std::uint64_t id) {
  RunSubmitted run;
  run.run = RunId{id};
  constexpr std::array policies = {Policy::load,       Policy::load_scope, Policy::load_file,
                                   Policy::load_group, Policy::work_steal, Policy::each};
  run.policy = policies[dice.upto(policies.size() - 1)];
  run.reorder_scopes = !dice.one_in(4);
  const std::uint32_t items = dice.one_in(20) ? dice.upto(400) : dice.upto(30);
  const std::uint32_t files = 1 + dice.upto(dice.one_in(3) ? items : 5);
  for (std::uint32_t i = 0; i < items; ++i) {
    const std::string where = dice.one_in(2) ? ".py::" : ".py::Test::";
    run.items.push_back("f" + std::to_string(dice.upto(files - 1)) + where + std::to_string(i));
    run.groups.push_back(dice.one_in(2) ? "" : "group" + std::to_string(dice.upto(3)));
  }
  if (dice.one_in(2)) {
    run.workers = 1 + dice.upto(5);
  } else if (dice.one_in(2)) {
    run.auto_workers = 1 + dice.upto(5);
  }
  if (dice.one_in(4)) run.max_failures = 1 + dice.upto(3);
  if (dice.one_in(2)) run.max_worker_restarts = dice.upto(4);
  if (dice.one_in(4)) run.max_chunk = 1 + dice.upto(4);
  if (dice.one_in(5)) run.max_items_per_worker = 1 + dice.upto(4);
  run.isolates_files = dice.one_in(6);
  return run;
}

Plan random_plan(std::uint64_t seed) {
  Dice dice(seed);
  Plan plan;
  plan.seed = seed;
  plan.slots = 1 + dice.upto(4);
  plan.quantum = milliseconds(1 + dice.upto(30));
  plan.ends_while_paused = dice.one_in(2);
  const bool is_rough = dice.one_in(2);
  const std::uint32_t runs = 1 + dice.upto(4);
  for (std::uint32_t i = 0; i < runs; ++i) {
    Behaviour behaviour;
    behaviour.run = random_run(dice, i + 1);
    behaviour.submitted_at = dice.time(milliseconds(30));
    if (dice.one_in(6))
      behaviour.cancelled_at = behaviour.submitted_at + dice.time(milliseconds(60));
    behaviour.longest = dice.one_in(5) ? milliseconds(150) : milliseconds(1 + dice.upto(9));
    if (dice.one_in(3)) behaviour.failing = 0.2;
    if (is_rough && dice.one_in(2)) behaviour.dying_in_item = dice.one_in(4) ? 0.5 : 0.05;
    if (dice.one_in(5)) behaviour.overdue = 0.1;
    if (is_rough && dice.one_in(4)) behaviour.dying_at_start = 0.3;
    if (is_rough && dice.one_in(4)) behaviour.dying_at_end = 0.3;
    if (is_rough && dice.one_in(6)) behaviour.fatal = 0.05;
    plan.runs.push_back(std::move(behaviour));
  }
  if (dice.one_in(3)) {
    for (std::uint32_t i = dice.upto(4); i > 0; --i)
      plan.slot_changes.emplace_back(dice.time(milliseconds(80)), 1 + dice.upto(4));
  }
  if (dice.one_in(3)) {
    const Time from = dice.time(milliseconds(50));
    plan.sessions.emplace_back(from, from + dice.time(milliseconds(50)));
  }
  if (is_rough && dice.one_in(3)) {
    for (std::uint32_t i = dice.upto(6); i > 0; --i)
      plan.kills.push_back(dice.time(milliseconds(80)));
  }
  return plan;
}

// Each other run may have had a quantum and an item more, and has its own turn with a quantum and
// an item.
Duration longest_fair_wait(const Plan& plan) {
  Duration longest_turn{};
  for (const Behaviour& behaviour : plan.runs)
    longest_turn = std::max(longest_turn, behaviour.longest);
  longest_turn += plan.quantum + 20 * plan.delay;
  return 2 * longest_turn * static_cast<Duration::rep>(plan.runs.size());
}

TEST(Properties, hold_in_random_worlds) {
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    const Plan plan = random_plan(seed);
    Simulation simulation(plan);
    simulation.checks().set_longest_allowed_wait(longest_fair_wait(plan));
    simulation.run();
    simulation.checks().at_end();
    ASSERT_EQ(simulation.checks().violations(), std::vector<std::string>()) << "seed " << seed;
  }
}

TEST(Properties, the_same_events_give_the_same_commands) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Simulation first(random_plan(seed));
    Simulation second(random_plan(seed));
    first.run();
    second.run();
    ASSERT_EQ(first.digest(), second.digest()) << "seed " << seed;
    ASSERT_EQ(first.commands(), second.commands()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hearth::scheduler
