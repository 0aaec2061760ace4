// The order in which a plan's commands are tried: who depends on whom, and what comes first.
#pragma once

#include <cstddef>
#include <vector>

#include "scheduler/planned_command.h"

namespace hearth::scheduler {

// Of each command (by index), those that it waits for, by ascending number, none twice.
using CommandDependencies = std::vector<std::vector<std::size_t>>;
CommandDependencies dependencies_of(const std::vector<PlannedCommand>& commands);

// Something waits, in the end, for itself: the numbers of those, ascending. Empty: nobody does.
std::vector<int> commands_in_circles(const std::vector<PlannedCommand>& commands);

// Indices, all of them. See command_plan.h for what comes first.
std::vector<std::size_t> serial_order(const std::vector<PlannedCommand>& commands,
                                      const CommandDependencies& dependencies);
std::vector<std::size_t> parallel_order(const std::vector<PlannedCommand>& commands,
                                        const CommandDependencies& dependencies,
                                        CommandOrder order);

}  // namespace hearth::scheduler
