#include "scheduler/items.h"

namespace hearth::scheduler {

void Items::mark_done(ItemId item) {
  if (done_[item.value]) return;
  done_[item.value] = true;
  ++done_count_;
}

std::vector<ItemId> Items::not_done() const {
  std::vector<ItemId> items;
  for (std::uint32_t i = 0; i < count(); ++i) {
    if (!done_[i]) items.push_back(ItemId{i});
  }
  return items;
}

}  // namespace hearth::scheduler
