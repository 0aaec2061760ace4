#include "plugin-shim/ctest/planning.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <unordered_map>

#include "plugin-shim/ctest/resource_spec.h"

namespace hearth::ctest {
namespace {

constexpr std::size_t kUnbounded = 65536;  // as ctest has it

}  // namespace

std::size_t slots_of(const Options& options) {
  if (!options.has_parallel) return 1;
  if (!options.parallel) return std::max<std::size_t>(2, std::thread::hardware_concurrency());
  return *options.parallel == 0 ? kUnbounded : *options.parallel;
}

std::vector<CostEntry> costs_of(const std::vector<Test>& tests, const CostData& data,
                                std::size_t slots, const unsigned* random_seed) {
  std::unordered_map<std::string, const CostEntry*> known;
  for (const CostEntry& entry : data.entries) known[entry.name] = &entry;
  if (random_seed != nullptr) std::srand(*random_seed);  // ctest's order for that seed
  std::vector<CostEntry> costs;
  for (const Test& test : tests) {
    CostEntry& cost = costs.emplace_back(
        CostEntry{test.name, 0, static_cast<double>(static_cast<float>(test.cost))});
    if (random_seed != nullptr) cost.cost = static_cast<float>(std::rand());
    const auto entry = known.find(test.name);
    if (entry == known.end()) continue;
    cost.runs = entry->second->runs;
    if (slots > 1 && cost.cost == 0) cost.cost = entry->second->cost;
  }
  return costs;
}

std::vector<scheduler::PlannedCommand> planned(const std::vector<Test>& tests,
                                               const std::vector<CostEntry>& costs,
                                               const CostData& data) {
  std::unordered_map<std::string, double> measured;
  for (const CostEntry& entry : data.entries) {
    if (entry.runs > 0) measured[entry.name] = entry.cost;
  }
  std::unordered_map<std::string, int> numbers;
  for (const Test& test : tests) numbers.emplace(test.name, test.number);
  std::vector<scheduler::PlannedCommand> commands;
  for (std::size_t index = 0; index < tests.size(); ++index) {
    const Test& test = tests[index];
    scheduler::PlannedCommand& command = commands.emplace_back();
    command.number = test.number;
    command.cost = costs[index].cost;
    // A COST of the project's is in the measured one, and may be no time at all.
    const auto known = measured.find(test.name);
    if (test.cost == 0 && known != measured.end()) command.expected = Seconds(known->second);
    command.failed_last = data.failed_last.contains(test.name);
    command.slots = test.processors;
    command.serial = test.run_serial;
    for (const std::string& name : test.depends) {
      if (const auto found = numbers.find(name); found != numbers.end())
        command.depends.push_back(found->second);
    }
    command.locks = test.resource_locks;
    if (!test.command.empty()) command.group = test.command.front();
    command.needs = needs_of(test);
  }
  return commands;
}

}  // namespace hearth::ctest
