#include "scheduler/borrower.h"

#include <algorithm>

namespace hearth::scheduler {

// What was asked back comes first.
void Borrower::give_back(std::uint32_t slots) {
  const std::uint32_t asked = std::min(slots, returning_);
  returning_ -= asked;
  for (std::uint32_t left = slots - asked; left > 0 && !kept_.empty(); --left) kept_.pop_front();
}

std::uint32_t Borrower::slots_held() const {
  return is_stopped_ ? 0 : static_cast<std::uint32_t>(kept_.size()) + returning_;
}

SlotUse Borrower::slot_use() const {
  if (is_stopped_) return {};
  SlotUse use;
  use.kept = static_cast<std::uint32_t>(kept_.size());
  use.returning = returning_;
  use.usable = wanted_ - std::min(wanted_, slots_held());
  use.wanted = std::max(wanted_, use.kept);
  if (!kept_.empty()) use.oldest = kept_.front();
  return use;
}

void Borrower::grant(std::uint32_t slots, Time now, Commands& out) {
  kept_.insert(kept_.end(), slots, now);
  out.push_back({LendSlots{id_, slots}, "it has commands for them"});
}

void Borrower::take_back(Commands& out) {
  if (kept_.empty()) return;
  kept_.pop_front();
  ++returning_;
  out.push_back({AskBackSlot{id_}, "another run waits for the slot"});
}

}  // namespace hearth::scheduler
