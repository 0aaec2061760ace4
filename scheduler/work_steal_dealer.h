// `work_steal`, as pytest-xdist 3.8 schedules: all items are dealt at the start, in as many slices
// as there are workers; what comes back is dealt alike to those that have run out.
#pragma once

#include <deque>

#include "scheduler/dealer.h"

namespace hearth::scheduler {

class WorkStealDealer final : public Dealer {
 public:
  explicit WorkStealDealer(std::size_t items);

  [[nodiscard]] std::size_t units() const override { return pool_.size(); }
  std::vector<std::vector<ItemId>> deal(std::size_t workers, std::size_t planned) override;
  std::vector<ItemId> refill(const Need& need) override;
  void take_back(const std::vector<ItemId>& items) override;
  [[nodiscard]] bool steals() const override { return true; }

 private:
  std::vector<ItemId> draw(std::size_t count);

  std::deque<ItemId> pool_;
};

}  // namespace hearth::scheduler
