// What has become of each item of a run.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

class Items {
 public:
  explicit Items(std::size_t count) : done_(count, false) {}

  // Finished, or lost with its worker: it is not executed (again). An item is done once.
  void mark_done(ItemId item);

  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(done_.size()); }
  [[nodiscard]] std::uint32_t done() const { return done_count_; }
  [[nodiscard]] std::vector<ItemId> not_done() const;

 private:
  std::vector<bool> done_;
  std::uint32_t done_count_ = 0;
};

}  // namespace hearth::scheduler
