#include "scheduler/work_steal_dealer.h"

#include <algorithm>

namespace hearth::scheduler {
namespace {

// A worker needs two items to run one: the second is the first one's nextitem.
constexpr std::size_t least_pending = 2;

}  // namespace

WorkStealDealer::WorkStealDealer(std::size_t items) {
  for (std::size_t i = 0; i < items; ++i) pool_.push_back(ItemId{static_cast<std::uint32_t>(i)});
}

std::vector<std::vector<ItemId>> WorkStealDealer::deal(std::size_t workers, std::size_t planned) {
  std::vector<std::vector<ItemId>> hands;
  for (std::size_t i = 0; i < workers; ++i) hands.push_back(draw(pool_.size() / (planned - i)));
  return hands;
}

std::vector<ItemId> WorkStealDealer::refill(const Need& need) {
  if (need.pending >= least_pending) return {};
  const std::size_t share = pool_.size() / (need.idle + need.to_come);
  // What is kept for workers that are to come must not be missed by those that are there.
  const std::size_t needed = need.to_come > 0 ? least_pending - need.pending : 0;
  return draw(std::max(share, needed));
}

void WorkStealDealer::take_back(const std::vector<ItemId>& items) {
  pool_.insert(pool_.end(), items.begin(), items.end());
}

std::vector<ItemId> WorkStealDealer::draw(std::size_t count) {
  const auto end = pool_.begin() + static_cast<std::ptrdiff_t>(std::min(count, pool_.size()));
  std::vector<ItemId> items(pool_.begin(), end);
  pool_.erase(pool_.begin(), end);
  return items;
}

}  // namespace hearth::scheduler
