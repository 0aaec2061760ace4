// `each`: every worker executes all items. What a lost worker leaves is the next new worker's.
#pragma once

#include <deque>

#include "scheduler/dealer.h"

namespace hearth::scheduler {

class EachDealer final : public Dealer {
 public:
  EachDealer(std::size_t items, std::size_t workers);

  [[nodiscard]] std::size_t units() const override { return hands_.size(); }
  std::vector<std::vector<ItemId>> deal(std::size_t workers, std::size_t planned) override;
  std::vector<ItemId> refill(const Need& need) override;
  void take_back(const std::vector<ItemId>& items) override;
  [[nodiscard]] bool refills() const override { return false; }

 private:
  std::deque<std::vector<ItemId>> hands_;
};

}  // namespace hearth::scheduler
