#include "scheduler/command_order.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace hearth::scheduler {
namespace {

std::vector<std::size_t> by_number(const std::vector<PlannedCommand>& commands) {
  std::vector<std::size_t> order(commands.size());
  for (std::size_t index = 0; index < order.size(); ++index) order[index] = index;
  std::sort(order.begin(), order.end(), [&](std::size_t one, std::size_t other) {
    return commands[one].number < commands[other].number;
  });
  return order;
}

// Visits what `root` waits for, deepest first, then itself; nothing twice. Not recursive: a chain
// of many thousand is possible.
template <typename Visit>
void visit_dependencies_first(std::size_t root, const CommandDependencies& dependencies,
                              std::vector<bool>& visited, Visit visit) {
  std::vector<std::pair<std::size_t, std::size_t>> path;  // who, and how many of his were looked at
  const auto enter = [&](std::size_t index) {
    if (visited[index]) return;
    visited[index] = true;
    path.emplace_back(index, 0);
  };
  enter(root);
  while (!path.empty()) {
    const auto [index, looked_at] = path.back();
    if (looked_at < dependencies[index].size()) {
      ++path.back().second;
      enter(dependencies[index][looked_at]);
    } else {
      visit(index);
      path.pop_back();
    }
  }
}

// How many commands wait for one, one after another, at most. What failed last time and nobody
// waits for is not on any level, nor does it raise that of others.
std::vector<std::size_t> levels(const std::vector<PlannedCommand>& commands,
                                const CommandDependencies& dependencies) {
  std::vector<std::size_t> dependencies_first;
  std::vector<bool> visited(commands.size(), false);
  for (std::size_t index = 0; index < commands.size(); ++index) {
    visit_dependencies_first(index, dependencies, visited,
                             [&](std::size_t found) { dependencies_first.push_back(found); });
  }
  std::vector<std::size_t> level(commands.size(), 0);
  std::vector<bool> is_on_one(commands.size(), false);
  for (auto index = dependencies_first.rbegin(); index != dependencies_first.rend(); ++index) {
    if (commands[*index].failed_last && !is_on_one[*index]) continue;
    is_on_one[*index] = true;
    for (const std::size_t dependency : dependencies[*index]) {
      is_on_one[dependency] = true;
      level[dependency] = std::max(level[dependency], level[*index] + 1);
    }
  }
  return level;
}

// Those of a group stand together, by number, where the first of them stood.
std::vector<std::size_t> together(const std::vector<PlannedCommand>& commands,
                                  const std::vector<std::size_t>& order) {
  std::map<std::string, std::size_t> places;
  for (const std::size_t index : order) places.emplace(commands[index].group, places.size());
  std::vector<std::size_t> grouped = order;
  std::stable_sort(grouped.begin(), grouped.end(), [&](std::size_t one, std::size_t other) {
    return std::make_pair(places.at(commands[one].group), commands[one].number) <
           std::make_pair(places.at(commands[other].group), commands[other].number);
  });
  return grouped;
}

}  // namespace

CommandDependencies dependencies_of(const std::vector<PlannedCommand>& commands) {
  std::unordered_map<int, std::size_t> index_of;
  for (std::size_t index = 0; index < commands.size(); ++index)
    index_of.emplace(commands[index].number, index);
  CommandDependencies dependencies(commands.size());
  for (std::size_t index = 0; index < commands.size(); ++index) {
    std::vector<int> numbers = commands[index].depends;
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    for (const int number : numbers) {
      const auto found = index_of.find(number);
      if (found != index_of.end()) dependencies[index].push_back(found->second);
    }
  }
  return dependencies;
}

std::vector<int> commands_in_circles(const std::vector<PlannedCommand>& commands) {
  const CommandDependencies dependencies = dependencies_of(commands);
  // What waits for nothing goes, then what waited for nothing else, until only circles are left,
  // and what waits for them; the same from the other side takes the latter away.
  const auto left_over = [&](const CommandDependencies& edges) {
    std::vector<std::vector<std::size_t>> back(commands.size());
    std::vector<std::size_t> count(commands.size());
    for (std::size_t index = 0; index < commands.size(); ++index) {
      count[index] = edges[index].size();
      for (const std::size_t other : edges[index]) back[other].push_back(index);
    }
    std::vector<std::size_t> gone;
    for (std::size_t index = 0; index < commands.size(); ++index) {
      if (count[index] == 0) gone.push_back(index);
    }
    for (std::size_t next = 0; next < gone.size(); ++next) {
      for (const std::size_t other : back[gone[next]]) {
        if (--count[other] == 0) gone.push_back(other);
      }
    }
    std::vector<bool> left(commands.size(), true);
    for (const std::size_t index : gone) left[index] = false;
    return std::make_pair(left, back);
  };
  const auto [from_below, back] = left_over(dependencies);
  const bool from_above = std::find(from_below.begin(), from_below.end(), true) != from_below.end();
  std::vector<int> numbers;
  if (!from_above) return numbers;
  const std::vector<bool> others = left_over(back).first;
  for (std::size_t index = 0; index < commands.size(); ++index) {
    if (from_below[index] && others[index]) numbers.push_back(commands[index].number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::vector<std::size_t> serial_order(const std::vector<PlannedCommand>& commands,
                                      const CommandDependencies& dependencies) {
  std::vector<std::size_t> by_cost = by_number(commands);
  std::stable_sort(by_cost.begin(), by_cost.end(), [&](std::size_t one, std::size_t other) {
    return commands[one].cost > commands[other].cost;
  });
  std::vector<std::size_t> order;
  std::vector<bool> visited(commands.size(), false);
  for (const std::size_t index : by_cost) {
    visit_dependencies_first(index, dependencies, visited,
                             [&](std::size_t found) { order.push_back(found); });
  }
  return order;
}

std::vector<std::size_t> parallel_order(const std::vector<PlannedCommand>& commands,
                                        const CommandDependencies& dependencies,
                                        CommandOrder order) {
  const std::vector<std::size_t> level = levels(commands, dependencies);
  // Ascending; what is left out of the key counts for nothing.
  const auto key = [&](std::size_t index) {
    const PlannedCommand& command = commands[index];
    if (command.failed_last) return std::tuple<bool, long, bool, long, double>{};
    const bool shuffled = order == CommandOrder::by_cost;
    return std::make_tuple(true, -static_cast<long>(level[index]), !shuffled && !command.serial,
                           shuffled ? 0 : -static_cast<long>(command.slots), -command.cost);
  };
  std::vector<std::size_t> sorted = by_number(commands);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](std::size_t one, std::size_t other) { return key(one) < key(other); });
  return order == CommandOrder::by_group ? together(commands, sorted) : sorted;
}

}  // namespace hearth::scheduler
