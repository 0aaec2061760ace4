#include "scheduler/items.h"

namespace hearth::scheduler {

void Items::mark_done(ItemId item) {
  if (left_[item.value] == 0) return;
  --left_[item.value];
  ++done_;
}

std::vector<ItemId> Items::not_done() const {
  std::vector<ItemId> items;
  for (std::uint32_t i = 0; i < left_.size(); ++i) {
    if (left_[i] > 0) items.push_back(ItemId{i});
  }
  return items;
}

}  // namespace hearth::scheduler
