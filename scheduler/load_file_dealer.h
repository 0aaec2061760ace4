// `load_file`, as pytest-xdist's loadfile schedules: all items of a file are one unit and go to one
// worker, files with most items first (of equal ones the first collected). A worker gets a unit,
// and another whenever at most two items are pending.
//
// Unlike in xdist, what a lost worker leaves of a unit comes back as a unit without the items that
// are done.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "scheduler/dealer.h"

namespace hearth::scheduler {

class LoadFileDealer final : public Dealer {
 public:
  explicit LoadFileDealer(const std::vector<std::string>& node_ids);

  [[nodiscard]] std::size_t units() const override { return pool_.size(); }
  std::vector<std::vector<ItemId>> deal(std::size_t workers, std::size_t planned) override;
  std::vector<ItemId> refill(std::size_t pending, std::size_t planned, Duration last) override;
  void take_back(const std::vector<ItemId>& items) override;

 private:
  using Unit = std::vector<ItemId>;

  void draw(std::vector<ItemId>& hand);

  std::vector<std::uint32_t> file_of_;  // by item
  std::deque<Unit> pool_;
};

}  // namespace hearth::scheduler
