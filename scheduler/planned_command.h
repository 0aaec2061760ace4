// One command of a plan, and the ways to order them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "scheduler/resources.h"

namespace hearth::scheduler {

struct PlannedCommand {
  int number = 0;  // unique; the last criterion of every order
  double cost = 0;
  std::chrono::duration<double> expected{};  // how long it will take; zero: not known
  bool failed_last = false;
  unsigned slots = 1;  // at least one, at most those of the plan
  bool serial = false;
  std::vector<int> depends;         // numbers; those that are not in the plan are not waited for
  std::vector<std::string> locks;   // nobody else may hold them
  std::string group;                // which CommandOrder::by_group keeps together
  std::vector<ResourceNeed> needs;  // as resources.h says
};

enum class CommandOrder : std::uint8_t {
  load,      // as above
  by_group,  // those of one group one after another, never beside each other
  by_cost,   // the whole machine is nothing special: the caller has shuffled the costs
};

}  // namespace hearth::scheduler
