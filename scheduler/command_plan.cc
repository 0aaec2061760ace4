#include "scheduler/command_plan.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "scheduler/command_order.h"

namespace hearth::scheduler {

CommandPlan::CommandPlan(std::vector<PlannedCommand> commands, CommandLimits limits)
    : commands_(std::move(commands)),
      limits_(limits),
      waiting_(commands_.size()),
      left_(commands_.size()) {
  const CommandDependencies dependencies = dependencies_of(commands_);
  for (std::size_t index = 0; index < commands_.size(); ++index) {
    waiting_[index].waits_for = dependencies[index].size();
    for (const std::size_t other : dependencies[index]) waiting_[other].waited_for.push_back(index);
  }
  find_locks();
  order_ = limits_.slots == 1 ? serial_order(commands_, dependencies)
                              : parallel_order(commands_, dependencies, limits_.order);
  for (std::size_t position = 0; position < order_.size(); ++position) {
    waiting_[order_[position]].position = position;
    if (waiting_[order_[position]].waits_for == 0) make_ready(order_[position]);
  }
  for (Waiting& each : waiting_) {
    each.first_waited_for = order_.size();
    for (const std::size_t other : each.waited_for)
      each.first_waited_for = std::min(each.first_waited_for, waiting_[other].position);
  }
}

void CommandPlan::find_locks() {
  std::map<std::string, std::size_t> places;
  const auto place_of = [&](const std::string& name) {
    return places.emplace(name, places.size()).first->second;
  };
  for (std::size_t index = 0; index < commands_.size(); ++index) {
    for (const std::string& lock : commands_[index].locks)
      waiting_[index].locks.push_back(place_of("lock " + lock));
    if (limits_.order == CommandOrder::by_group)
      waiting_[index].locks.push_back(place_of("group " + commands_[index].group));
  }
  held_.assign(places.size(), false);
}

std::size_t CommandPlan::slots_of(std::size_t index) const {
  return std::clamp<std::size_t>(commands_[index].slots, 1, limits_.slots);
}

bool CommandPlan::locks_are_free(std::size_t index) const {
  const std::vector<std::size_t>& locks = waiting_[index].locks;
  return std::none_of(locks.begin(), locks.end(), [this](std::size_t lock) { return held_[lock]; });
}

CommandPlan::Reservation CommandPlan::reserve(std::size_t slots, Time now) const {
  std::vector<std::pair<Time, std::size_t>> ends;
  for (const Running& running : now_running_)
    ends.emplace_back(std::max(running.end, now), running.slots);
  std::sort(ends.begin(), ends.end());
  Reservation reservation{now, 0};
  std::size_t free = limits_.slots - used_slots_;
  for (const auto& [end, given_back] : ends) {
    if (free >= slots) break;
    reservation.begins = end;
    free += given_back;
  }
  reservation.spare = free > slots ? free - slots : 0;
  return reservation;
}

std::vector<CommandPlan::Start> CommandPlan::start_next(Time now, std::size_t most_slots) {
  std::vector<Start> starts;
  keep_promises(now, most_slots, starts);
  // The machine has just become empty: whoever wants it for himself need not make it so again.
  if (has_begun_ && running_ == 0 && serial_ready_ > 0 && limits_.slots > 1 &&
      limits_.order != CommandOrder::by_cost)
    start_some(true, now, most_slots, starts);
  start_some(false, now, most_slots, starts);
  return starts;
}

std::optional<std::size_t> CommandPlan::next() const {
  if (ready_.empty() || !is_full() || serial_runs_) return std::nullopt;
  const std::size_t index = order_[*ready_.begin()];
  const PlannedCommand& command = commands_[index];
  if (slots_of(index) > 1 || command.serial || !waiting_[index].locks.empty() ||
      !command.needs.empty())
    return std::nullopt;
  // What ends may make something ready that goes before it.
  const auto goes_first = [this, index](std::size_t before) {
    return waiting_[before].first_waited_for > waiting_[index].position;
  };
  const bool is_next = std::all_of(promised_.begin(), promised_.end(), goes_first) &&
                       std::all_of(now_running_.begin(), now_running_.end(),
                                   [&](const Running& each) { return goes_first(each.index); });
  return is_next ? std::optional(index) : std::nullopt;
}

void CommandPlan::promise(std::size_t index) {
  take_out(index);
  promised_.push_back(index);
}

void CommandPlan::keep_promises(Time now, std::size_t& most_slots, std::vector<Start>& starts) {
  for (; !promised_.empty() && !is_full() && most_slots > 0; --most_slots) {
    const std::size_t index = promised_.front();
    promised_.pop_front();
    start(index, now, {}, starts);
  }
}

void CommandPlan::start_some(bool only_serial, Time now, std::size_t& most_slots,
                             std::vector<Start>& starts) {
  bool is_reserved = false;
  Reservation reservation;
  for (auto next = ready_.begin(); next != ready_.end();) {
    const std::size_t position = *next++;  // what starts is taken out
    const std::size_t free = limits_.slots - used_slots_;
    if (serial_runs_ || free == 0 || most_slots == 0) return;
    const std::size_t index = order_[position];
    const PlannedCommand& command = commands_[index];
    if (only_serial && !command.serial) continue;
    const std::size_t slots = slots_of(index);
    if (slots > most_slots || !locks_are_free(index)) continue;
    if (slots > free || (command.serial && running_ > 0)) {
      if (is_reserved) continue;
      is_reserved = true;
      reservation = reserve(command.serial ? limits_.slots : slots, now);
      continue;
    }
    if (is_reserved && command.serial) continue;
    bool uses_spare = false;
    if (is_reserved) {
      const bool ends_before =
          command.expected > Time::zero() && now + command.expected <= reservation.begins;
      uses_spare = !ends_before;
      if (uses_spare && slots > reservation.spare) continue;
    }
    std::vector<Allocation> resources;
    if (has_resources_ && !command.needs.empty()) {
      auto taken = resources_.take(command.needs);
      if (!taken) continue;
      resources = std::move(*taken);
    }
    if (uses_spare) reservation.spare -= slots;
    most_slots -= slots;
    start(index, now, std::move(resources), starts);
  }
}

void CommandPlan::start(std::size_t index, Time now, std::vector<Allocation> resources,
                        std::vector<Start>& starts) {
  take_out(index);
  for (const std::size_t lock : waiting_[index].locks) held_[lock] = true;
  used_slots_ += slots_of(index);
  ++running_;
  has_begun_ = true;
  serial_runs_ = commands_[index].serial;
  now_running_.push_back({index, slots_of(index), now + commands_[index].expected, resources});
  starts.push_back({index, std::move(resources)});
}

void CommandPlan::pass_slots_on(std::size_t index) {
  for (Running& running : now_running_) {
    if (running.index == index) used_slots_ -= std::exchange(running.slots, 0);
  }
}

void CommandPlan::ended(std::size_t index) {
  const auto running =
      std::find_if(now_running_.begin(), now_running_.end(),
                   [index](const Running& candidate) { return candidate.index == index; });
  if (running == now_running_.end()) return;
  used_slots_ -= running->slots;
  resources_.give_back(running->resources);
  now_running_.erase(running);
  for (const std::size_t lock : waiting_[index].locks) held_[lock] = false;
  --running_;
  if (commands_[index].serial) serial_runs_ = false;
  release(index);
}

void CommandPlan::drop(std::size_t index) {
  take_out(index);
  // Never becomes ready by what it waits for.
  waiting_[index].waits_for = commands_.size() + 1;
  release(index);
}

void CommandPlan::release(std::size_t index) {
  --left_;
  for (const std::size_t other : waiting_[index].waited_for) {
    if (--waiting_[other].waits_for > 0) continue;
    make_ready(other);
  }
}

void CommandPlan::make_ready(std::size_t index) {
  ready_.insert(waiting_[index].position);
  serial_ready_ += commands_[index].serial ? 1 : 0;
}

void CommandPlan::take_out(std::size_t index) {
  const bool was_ready = ready_.erase(waiting_[index].position) > 0;
  serial_ready_ -= was_ready && commands_[index].serial ? 1 : 0;
}

void CommandPlan::set_resources(Resources resources) {
  resources_ = std::move(resources);
  has_resources_ = true;
}

std::size_t CommandPlan::usable_slots() const {
  const std::size_t free = serial_runs_ ? 0 : limits_.slots - used_slots_;
  std::size_t usable = promised_.size();
  for (auto next = ready_.begin(); next != ready_.end() && usable < free; ++next) {
    const std::size_t index = order_[*next];
    if (locks_are_free(index) && !(commands_[index].serial && running_ > 0))
      usable += slots_of(index);
  }
  return std::min(usable, free);
}

std::size_t CommandPlan::smallest_ready() const {
  std::size_t smallest = promised_.empty() ? 0 : 1;
  for (const std::size_t position : ready_) {
    const std::size_t slots = slots_of(order_[position]);
    if (smallest == 0 || slots < smallest) smallest = slots;
  }
  return smallest;
}

}  // namespace hearth::scheduler
