// `load_scope`, `load_file` and `load_group`, as pytest-xdist 3.8 schedules: all items of a scope
// are one unit and go to one worker, scopes with most items first (of equal ones the first
// collected; or all in the order of the collection). A worker gets a unit, and another whenever at
// most two items are pending. What a scope is the dealer is told.
//
// Unlike in xdist, what a lost worker leaves of a unit comes back as a unit without the items that
// are done.
#pragma once

#include <cstdint>
#include <deque>

#include "scheduler/dealer.h"

namespace hearth::scheduler {

class ScopeDealer final : public Dealer {
 public:
  // `scopes`: the scope of each item, numbered from 0 in the order of their first items.
  // `largest_first`: else in that order.
  ScopeDealer(std::vector<std::uint32_t> scopes, bool largest_first);

  [[nodiscard]] std::size_t units() const override { return pool_.size(); }
  std::vector<std::vector<ItemId>> deal(std::size_t workers, std::size_t planned) override;
  std::vector<ItemId> refill(const Need& need) override;
  void take_back(const std::vector<ItemId>& items) override;

 private:
  using Unit = std::vector<ItemId>;

  void draw(std::vector<ItemId>& hand);

  std::vector<std::uint32_t> scopes_;  // by item
  std::deque<Unit> pool_;
};

}  // namespace hearth::scheduler
