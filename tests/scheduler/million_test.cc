// The work of the scheduler grows with the number of items, not with its square: counted in
// commands and in how far an item can be from the front of its queue, not in seconds. A quadratic
// scheduler would not end here.
#include <gtest/gtest.h>

#include <array>
#include <deque>

#include "scheduler/scheduler.h"

namespace hearth::scheduler {
namespace {

constexpr std::uint32_t million = 1'000'000;
constexpr std::uint32_t workers = 8;

// Executes items as fast as they come, a worker after the other.
class EagerMachine {
 public:
  explicit EagerMachine(const RunSubmitted& run) : scheduler_(Config{workers}) {
    tell(run);
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (std::uint32_t worker = 0; worker < workers; ++worker)
        goes_on = execute_one(WorkerId{worker}) || goes_on;
    }
    for (std::uint32_t worker = 0; worker < workers; ++worker)
      tell(WorkerExited{RunId{1}, WorkerId{worker}, true});
  }

  std::uint64_t commands = 0;
  std::uint64_t executed = 0;
  std::optional<Outcome> outcome;

 private:
  bool execute_one(WorkerId worker) {
    auto& queue = queues_.at(worker.value);
    if (queue.empty()) return false;
    const ItemId item = queue.front();
    queue.pop_front();
    ++executed;
    tell(ItemStarted{RunId{1}, worker, item});
    tell(ItemFinished{RunId{1}, worker, item, std::chrono::microseconds(30), 0});
    return true;
  }

  void tell(const Event& event) {
    now_ += std::chrono::microseconds(1);
    for (const Command& command : scheduler_.step(event, now_)) {
      ++commands;
      if (const auto* start = std::get_if<StartWorker>(&command.action))
        tell(WorkerStarted{start->run, start->worker});
      if (const auto* assign = std::get_if<AssignItems>(&command.action)) {
        auto& queue = queues_.at(assign->worker.value);
        queue.insert(queue.end(), assign->items.begin(), assign->items.end());
      }
      if (const auto* finish = std::get_if<FinishRun>(&command.action)) outcome = finish->outcome;
    }
  }

  Scheduler scheduler_;
  std::array<std::deque<ItemId>, workers> queues_;
  Time now_{};
};

RunSubmitted million_items(Policy policy) {
  RunSubmitted run;
  run.run = RunId{1};
  run.policy = policy;
  run.items.reserve(million);
  for (std::uint32_t i = 0; i < million; ++i)
    run.items.push_back("f" + std::to_string(i / 50) + ".py::t");
  return run;
}

TEST(Million, items_under_load_take_a_few_hundred_commands) {
  const EagerMachine machine(million_items(Policy::load));
  EXPECT_EQ(machine.outcome, Outcome::completed);
  EXPECT_EQ(machine.executed, million);
  EXPECT_LE(machine.commands, 1'000U);
}

TEST(Million, items_in_twenty_thousand_files_take_a_command_for_each_file) {
  const EagerMachine machine(million_items(Policy::load_file));
  EXPECT_EQ(machine.outcome, Outcome::completed);
  EXPECT_EQ(machine.executed, million);
  EXPECT_LE(machine.commands, 20'000U + 4 * workers + 1);
}

}  // namespace
}  // namespace hearth::scheduler
