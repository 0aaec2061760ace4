// From a list of tests to a plan: what each costs, and what it waits for.
#pragma once

#include <cstddef>
#include <vector>

#include "plugin-shim/ctest/cost_data.h"
#include "plugin-shim/ctest/options.h"
#include "plugin-shim/ctest/test.h"
#include "scheduler/planned_command.h"

namespace hearth::ctest {

// `-j`: as given, else as many as there are processors, and two at least.
std::size_t slots_of(const Options& options);

// The tests' costs, in their order, as the plan and the next cost data are to have them.
// `random_seed`: what the costs are drawn from instead, if tests are to be shuffled.
std::vector<CostEntry> costs_of(const std::vector<Test>& tests, const CostData& data,
                                std::size_t slots, const unsigned* random_seed);

// In the order of the tests.
std::vector<scheduler::PlannedCommand> planned(const std::vector<Test>& tests,
                                               const std::vector<CostEntry>& costs,
                                               const CostData& data);

}  // namespace hearth::ctest
