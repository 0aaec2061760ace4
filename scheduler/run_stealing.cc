// Run: workers that have run out of items take over some that another one has, as in pytest-xdist's
// worksteal: the last half of the longest queue, which keeps two; one request at a time.
#include <algorithm>

#include "scheduler/run.h"

namespace hearth::scheduler {
namespace {

std::size_t spare(const Worker& worker) {
  const std::size_t size = worker.queue.size();
  return worker.accepts_items() ? std::min(size / 2, size - std::min<std::size_t>(size, 2)) : 0;
}

}  // namespace

// What workers that are yet to be started could take over.
std::size_t Run::spare_items() const {
  std::size_t count = 0;
  if (!dealer_->steals()) return count;
  for (const auto& [id, worker] : workers_) count += spare(worker);
  return count;
}

void Run::steal(Commands& out) {
  while (dealer_->steals() && !stopped_ && !robbed_) {
    std::vector<Worker*> idle;
    Worker* richest = nullptr;
    for (auto& [id, worker] : workers_) {
      if (!worker.accepts_items()) continue;
      if (worker.queue.size() < 2) idle.push_back(&worker);
      if (richest == nullptr || worker.queue.size() > richest->queue.size()) richest = &worker;
    }
    if (idle.empty() || richest == nullptr) return;
    const std::size_t count = spare(*richest);
    if (count == 0) {
      for (Worker* worker : idle) finish_unless_kept(*worker, "there is nothing to take over", out);
      return;
    }
    auto& queue = richest->queue;
    const auto first = queue.end() - static_cast<std::ptrdiff_t>(count);
    const std::vector<ItemId> items(first, queue.end());
    if (richest->is_up) {
      robbed_ = richest->id;
      out.push_back({RevokeItems{id_, richest->id, items}, "another worker has run out of items"});
      return;
    }
    queue.erase(first, queue.end());  // it has not been told of them
    dealer_->take_back(items);
    slots_changed_ = true;
    refill_all(out);
  }
}

}  // namespace hearth::scheduler
