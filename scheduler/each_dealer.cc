#include "scheduler/each_dealer.h"

#include <utility>

namespace hearth::scheduler {

EachDealer::EachDealer(std::size_t items, std::size_t workers) {
  std::vector<ItemId> all;
  for (std::size_t i = 0; i < items; ++i) all.push_back(ItemId{static_cast<std::uint32_t>(i)});
  if (!all.empty()) hands_.assign(workers, all);
}

std::vector<std::vector<ItemId>> EachDealer::deal(std::size_t workers, std::size_t /*planned*/) {
  std::vector<std::vector<ItemId>> hands;
  for (std::size_t i = 0; i < workers; ++i) hands.push_back(refill({}));
  return hands;
}

std::vector<ItemId> EachDealer::refill(const Need& /*need*/) {
  if (hands_.empty()) return {};
  std::vector<ItemId> hand = std::move(hands_.front());
  hands_.pop_front();
  return hand;
}

void EachDealer::take_back(const std::vector<ItemId>& items) { hands_.push_back(items); }

}  // namespace hearth::scheduler
