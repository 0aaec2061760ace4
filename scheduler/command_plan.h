// Which of a run's commands starts next: tests that are processes of their own, as ctest's are,
// with what they wait for. A pure machine like the scheduler: told what ended, it answers with what
// to start.
//
// A command is ready when all that it depends on has ended, however it ended. It starts when it
// fits: enough free slots, no lock of it held, its resources there, and alone if it is serial.
//
// With one slot the order is ctest's: by cost, then by number, what a command depends on before it.
// With several, as in ctest: what failed last time first, then what others wait for, then by cost;
// and unlike there, among equals what needs the whole machine, or more of it, goes first, while it
// is still empty. Whoever is first in that order and does not fit because of slots gets a
// reservation: others start before it only if they are expected to end before it could start
// anyway (which is called EASY backfilling). In ctest they pass it until nothing else is left.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "scheduler/planned_command.h"
#include "scheduler/resources.h"

namespace hearth::scheduler {

struct CommandLimits {
  std::size_t slots = 1;
  CommandOrder order = CommandOrder::load;
};

class CommandPlan {
 public:
  using Time = std::chrono::duration<double>;  // since any fixed point

  // There are no circles among them.
  CommandPlan(std::vector<PlannedCommand> commands, CommandLimits limits);

  struct Start {
    std::size_t index = 0;  // of the commands as they were given
    std::vector<Allocation> resources;
  };
  // What starts now, in this order; it counts as running. `most_slots`: no more than those, however
  // many are free.
  std::vector<Start> start_next(Time now, std::size_t most_slots);
  std::vector<Start> start_next(Time now) { return start_next(now, limits_.slots); }

  // While all slots are in use: what starts next whatever ends first. None: that hangs on what
  // ends.
  std::optional<std::size_t> next() const;
  // It does start next, behind those that were promised before.
  void promise(std::size_t index);

  // It goes on in nothing that needs a slot: another one may have that, but what waits for it
  // waits.
  void pass_slots_on(std::size_t index);
  // It has ended for good.
  void ended(std::size_t index);
  // It shall not be run; counts as ended.
  void drop(std::size_t index);

  // From now on these are the resources that are there. Until then nobody waits for any.
  void set_resources(Resources resources);

  bool is_done() const { return left_ == 0; }
  std::size_t running() const { return running_; }
  bool is_full() const { return used_slots_ >= limits_.slots; }
  // Slots in use, and how many more there is something for: what waits for no other command, lock,
  // or place. (Whether there are resources for it is seen when it starts.)
  std::size_t used_slots() const { return used_slots_; }
  std::size_t usable_slots() const;
  // Slots that the smallest command needs which is ready; zero: none is ready.
  std::size_t smallest_ready() const;
  const PlannedCommand& command(std::size_t index) const { return commands_[index]; }
  // The whole order, as indices.
  const std::vector<std::size_t>& order() const { return order_; }

 private:
  struct Waiting {
    std::size_t waits_for = 0;            // how many
    std::vector<std::size_t> waited_for;  // by whom
    std::vector<std::size_t> locks;       // places in held_
    std::size_t position = 0;             // in order_
    std::size_t first_waited_for = 0;     // the position of whoever goes first of those
  };
  struct Running {
    std::size_t index = 0;
    std::size_t slots = 0;
    Time end{};  // expected
    std::vector<Allocation> resources;
  };

  void find_locks();
  void release(std::size_t index);
  void make_ready(std::size_t index);
  void take_out(std::size_t index);  // of ready_
  bool locks_are_free(std::size_t index) const;
  // When so many slots will be free, as far as is known, and how many more there will be then.
  struct Reservation {
    Time begins{};
    std::size_t spare = 0;
  };
  Reservation reserve(std::size_t slots, Time now) const;
  std::size_t slots_of(std::size_t index) const;
  // Those of ready_ that can start, in order; or those of them that are serial.
  void start_some(bool only_serial, Time now, std::size_t& most_slots, std::vector<Start>& starts);
  void keep_promises(Time now, std::size_t& most_slots, std::vector<Start>& starts);
  void start(std::size_t index, Time now, std::vector<Allocation> resources,
             std::vector<Start>& starts);

  std::vector<PlannedCommand> commands_;
  CommandLimits limits_;
  std::vector<Waiting> waiting_;
  std::vector<std::size_t> order_;
  std::set<std::size_t> ready_;   // positions in order_
  std::size_t serial_ready_ = 0;  // how many of them are serial
  std::deque<std::size_t> promised_;
  std::vector<bool> held_;  // locks
  std::vector<Running> now_running_;
  std::size_t left_ = 0;
  std::size_t running_ = 0;     // commands
  std::size_t used_slots_ = 0;  // of limits_.slots
  bool serial_runs_ = false;
  bool has_begun_ = false;
  bool has_resources_ = false;
  Resources resources_;
};

}  // namespace hearth::scheduler
