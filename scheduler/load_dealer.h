// `load`, as pytest-xdist 3.8 schedules: a first batch of a quarter of each worker's share, in
// collection order, then smaller and smaller refills as the pool drains. With fewer than two items
// for each worker all are dealt at once, round robin.
#pragma once

#include <deque>
#include <optional>

#include "scheduler/dealer.h"

namespace hearth::scheduler {

class LoadDealer final : public Dealer {
 public:
  // max_chunk: the most items to give in one go (--maxschedchunk), none: no limit. Never keeps a
  // worker below two.
  LoadDealer(std::size_t items, std::optional<std::uint32_t> max_chunk);

  [[nodiscard]] std::size_t units() const override { return pool_.size(); }
  std::vector<std::vector<ItemId>> deal(std::size_t workers, std::size_t planned) override;
  std::vector<ItemId> refill(const Need& need) override;
  void take_back(const std::vector<ItemId>& items) override;

 private:
  std::vector<ItemId> draw(std::size_t count);

  std::deque<ItemId> pool_;
  std::size_t max_chunk_;
};

}  // namespace hearth::scheduler
