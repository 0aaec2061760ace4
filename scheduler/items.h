// What has become of each item of a run.
#pragma once

#include <cstdint>
#include <vector>

#include "scheduler/events.h"

namespace hearth::scheduler {

class Items {
 public:
  // `times`: how often each is to be executed.
  Items(std::size_t count, std::uint32_t times)
      : left_(count, times), count_(static_cast<std::uint32_t>(count) * times) {}

  // Finished, or lost with its worker: it is not executed again (by another worker, perhaps).
  void mark_done(ItemId item);

  // Executions, to be and done.
  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] std::uint32_t done() const { return done_; }
  [[nodiscard]] std::vector<ItemId> not_done() const;

 private:
  std::vector<std::uint32_t> left_;  // executions, by item
  std::uint32_t count_;
  std::uint32_t done_ = 0;
};

}  // namespace hearth::scheduler
