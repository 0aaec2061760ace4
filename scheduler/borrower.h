// A run that starts processes of its own, one for each of its commands, on slots that it is lent
// (`hearth ctest`). It says how many it could use, and gives back what it does not need, or is
// asked for, between two commands: what runs is never interrupted.
#pragma once

#include <cstdint>
#include <deque>

#include "scheduler/commands.h"
#include "scheduler/events.h"
#include "scheduler/run.h"

namespace hearth::scheduler {

class Borrower {
 public:
  explicit Borrower(RunId id) : id_(id) {}

  void want(std::uint32_t slots) { wanted_ = slots; }  // those included that it has
  void give_back(std::uint32_t slots);
  // A stopped one (by Ctrl-Z) wants nothing, and what it has counts as nobody's meanwhile.
  void set_stopped(bool is_stopped) { is_stopped_ = is_stopped; }

  // As those of Run.
  [[nodiscard]] SlotUse slot_use() const;
  [[nodiscard]] std::uint32_t slots_held() const;
  void grant(std::uint32_t slots, Time now, Commands& out);
  void take_back(Commands& out);

 private:
  RunId id_;
  std::uint32_t wanted_ = 0;
  std::deque<Time> kept_;  // since when, the oldest first
  std::uint32_t returning_ = 0;
  bool is_stopped_ = false;
};

}  // namespace hearth::scheduler
